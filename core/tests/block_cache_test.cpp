// The stock of blocks: what a thread frees is used again, by itself and by others, and never twice at a time.
#include <gristmill/detail/block_cache.hpp>

#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace {

using gm::detail::block_cache;

TEST(block_cache, what_is_given_is_taken_again_by_the_same_thread) {
    void* const first = block_cache::take(100);
    block_cache::give(first, 100);
    void* const second = block_cache::take(128);  // the same size of block
    if (gm::detail::keep_blocks) {
        EXPECT_EQ(first, second);
    }
    block_cache::give(second, 128);
}

// Sizes, blocks of another thread, ends of threads: no two owners at a time. AddressSanitizer sees blocks that are lost.
TEST(block_cache, no_block_has_two_owners) {
    for (const std::size_t size : {1u, 64u, 65u, 200u, 512u, 513u, 4000u}) {
        std::vector<void*> blocks;
        for (int round = 0; round < 3; ++round) {
            std::thread([&] {
                for (int i = 0; i < 1000; ++i) {
                    blocks.push_back(block_cache::take(size));
                    std::memset(blocks.back(), i, size);
                }
            }).join();
            EXPECT_EQ(std::set<void*>(blocks.begin(), blocks.end()).size(), blocks.size());
            for (std::size_t i = 0; i < blocks.size(); ++i)
                EXPECT_EQ(*static_cast<unsigned char*>(blocks[i]), static_cast<unsigned char>(i % 1000));
            std::thread([&] {
                for (void* const each : blocks) block_cache::give(each, size);
                blocks.clear();
            }).join();
        }
    }
}

TEST(block_cache, threads_that_pass_blocks_to_each_other_use_the_same_ones) {
    if (!gm::detail::keep_blocks) GTEST_SKIP() << "nothing is kept in this build";
    std::set<void*> seen;
    std::vector<void*> blocks;
    for (int i = 0; i < 10'000; i += 100) {
        for (int k = 0; k < 100; ++k) blocks.push_back(block_cache::take(300));
        seen.insert(blocks.begin(), blocks.end());
        std::thread([&] {
            for (void* const each : blocks) block_cache::give(each, 300);
            blocks.clear();
        }).join();
    }
    // Of each hundred, the thread that ends keeps up to 64, which are the allocator's again; the rest goes through the depot.
    EXPECT_LT(seen.size(), 10'000u);
}

}  // namespace
