#pragma once
// The whole library.

#include <gristmill/channel.hpp>
#include <gristmill/context.hpp>
#include <gristmill/dry_run.hpp>
#include <gristmill/result.hpp>
#include <gristmill/scheduler.hpp>
#include <gristmill/select.hpp>
#include <gristmill/send_result.hpp>
#include <gristmill/task.hpp>
#include <gristmill/version.hpp>
#include <gristmill/virtual_time.hpp>
