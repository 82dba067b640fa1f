#pragma once
// What a command has written: the first part of it in memory, and what is more in a file that all buffers share. The
// file has no name, so nothing is left behind whatever happens; what has been given back is punched out of it, so it
// is as large as what is still held.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <gristmill/kinds/exec/unique_fd.hpp>

namespace gm::kinds::exec {

// Thread safety: any thread. Opened when the first bytes come.
class spill_file {
public:
    explicit spill_file(std::string directory) : directory_(std::move(directory)) {}

    struct extent {
        std::uint64_t offset, size;
    };
    // What could not be written is an error, and then nothing of it is kept.
    std::error_code append(std::string_view bytes, extent& where);
    std::error_code read(extent where, std::string& into) const;
    void release(extent where) noexcept;
    std::uint64_t held() const noexcept;  // bytes

private:
    std::error_code open_locked();

    const std::string directory_;
    mutable std::mutex lock_;  // protects the rest
    unique_fd file_;
    std::uint64_t end_ = 0;
    std::uint64_t held_ = 0;
};

// Has one owner at a time.
class output_buffer {
public:
    // At most `memory` bytes stay in memory, from then on they go to `spill`, which has to outlive the buffer.
    output_buffer(spill_file& spill, std::size_t memory) noexcept : spill_(&spill), memory_(memory) {}
    output_buffer(output_buffer&& other) noexcept;
    output_buffer& operator=(output_buffer&& other) noexcept;
    ~output_buffer() { clear(); }

    [[nodiscard]] std::error_code append(std::string_view bytes);
    // Everything that is in memory goes to the file.
    [[nodiscard]] std::error_code spill();
    void clear() noexcept;

    bool empty() const noexcept { return size_ == 0; }
    std::uint64_t size() const noexcept { return size_; }
    std::size_t in_memory() const noexcept { return tail_.size(); }

    // All of it in order, in pieces: take(std::string_view) -> bool; false ends it.
    template <class F>
    [[nodiscard]] std::error_code each_piece(F&& take) const {
        std::string piece;
        for (const auto& where : extents_) {
            for (std::uint64_t done = 0; done < where.size; done += piece.size()) {
                if (const auto failed = read_piece(where, done, piece)) return failed;
                if (!take(std::string_view(piece))) return {};
            }
        }
        if (!tail_.empty()) take(std::string_view(tail_));
        return {};
    }

private:
    std::error_code to_file(std::string_view bytes);
    std::error_code read_piece(spill_file::extent where, std::uint64_t done, std::string& piece) const;

    spill_file* spill_;
    std::size_t memory_;
    std::vector<spill_file::extent> extents_;  // before the tail
    std::string tail_;
    std::uint64_t size_ = 0;
};

}  // namespace gm::kinds::exec
