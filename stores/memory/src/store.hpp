#pragma once
// A store on a house: on one with another clock in tests, and several on the same one.

#include "house.hpp"

namespace gm::stores::in_memory {

std::unique_ptr<jobs::store> open(std::shared_ptr<house> what);

const jobs::feature_table& what_it_can() noexcept;

}  // namespace gm::stores::in_memory
