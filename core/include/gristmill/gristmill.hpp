#pragma once
// The whole library.

#include <gristmill/blocking.hpp>
#include <gristmill/channel.hpp>
#include <gristmill/context.hpp>
#include <gristmill/dry_run.hpp>
#include <gristmill/pool.hpp>
#include <gristmill/rate_limit.hpp>
#include <gristmill/result.hpp>
#include <gristmill/scheduler.hpp>
#include <gristmill/select.hpp>
#include <gristmill/semaphore.hpp>
#include <gristmill/send_result.hpp>
#include <gristmill/start.hpp>
#include <gristmill/task.hpp>
#include <gristmill/task_group.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/version.hpp>
#include <gristmill/virtual_time.hpp>
#include <gristmill/wait_group.hpp>
