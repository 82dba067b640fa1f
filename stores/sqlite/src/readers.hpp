#pragma once
// Connections that only read, as many as there are threads that read at the same moment. In WAL mode they neither wait for the
// writer nor hold it up; each use is short, so that checkpoints get through.

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gristmill/result.hpp>

#include "connection.hpp"
#include "schema.hpp"

namespace gm::stores::sqlite {

class readers {
public:
    readers(std::string path, const program& ours, std::chrono::milliseconds patience)
        : path_(std::move(path)), ours_(ours), patience_(patience) {}

    // `work(connection&)` on one state of the file, as a value.
    template <class Work>
    auto read(Work&& work) -> result<std::invoke_result_t<Work&, connection&>, jobs::store_error> {
        try {
            std::unique_ptr<connection> one = take();
            one->run("BEGIN");
            struct end {
                connection& at;
                ~end() { at.roll_back(); }
            };
            auto made = [&] {
                const end ending{*one};
                refuse_if_newer(*one, ours_);
                return work(*one);
            }();
            put_back(std::move(one));
            return made;
        } catch (...) {
            return failure(error_in_hand(path_));
        }
    }

private:
    std::unique_ptr<connection> take() {
        {
            const std::lock_guard held(lock_);
            if (!idle_.empty()) {
                std::unique_ptr<connection> one = std::move(idle_.back());
                idle_.pop_back();
                return one;
            }
        }
        return std::make_unique<connection>(path_, connection::mode::read, patience_);
    }
    void put_back(std::unique_ptr<connection> one) {
        const std::lock_guard held(lock_);
        if (idle_.size() < most_idle) idle_.push_back(std::move(one));
    }

    static constexpr std::size_t most_idle = 4;
    const std::string path_;
    const program ours_;
    const std::chrono::milliseconds patience_;
    std::mutex lock_;  // protects idle_
    std::vector<std::unique_ptr<connection>> idle_;
};

}  // namespace gm::stores::sqlite
