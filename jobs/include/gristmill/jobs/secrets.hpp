#pragma once
// Secrets in the arguments of a job: not the value, but a reference to it, {"$env": "NAME"}, wherever a string may stand.
//
//     {"to": "a@example.com", "password": {"$env": "MAIL_PASSWORD"}}
//
// The runner that runs the job puts the value of its own environment's variable there before the handler reads the arguments. It is
// stored nowhere, and what shows a job shows the reference. Whoever may insert a job could read any variable of a worker in this
// way; so a runner gives out those that runner_options::env_secrets names, and without that none. A job that asks for
// another one, or for one that is not set, is dead at once, and says which.
//
// Text that a handler logs, notes or fails with has "[$NAME]" in the place of such a value (of 4 bytes or more): a help for those who
// forget, no promise. What it returns, records in a step, or inserts is its own.

#include <functional>
#include <string>

#include <gristmill/jobs/record.hpp>
#include <gristmill/result.hpp>

namespace gm::jobs {

// Whether there may be a reference in it; false: there is none. Cheap. "$env" spelled with escapes is none.
bool refers_to_secrets(const body& arguments) noexcept;

// The same arguments with the value that `find` gives in the place of each reference. The error is a sentence: that of `find`, or what is
// wrong with a reference: an object with "$env" in it has nothing else, and names a variable by a string.
using secret_finder = std::function<result<std::string, std::string>(const std::string& name)>;
result<body, std::string> with_secrets(const body& arguments, const secret_finder& find);

// For a check before they are run: the name in the place of the value. What is no reference, though it has "$env" in it, stays.
body with_names_of_secrets(const body& arguments);

}  // namespace gm::jobs
