#include <gristmill/kinds/exec/output_buffer.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include <gristmill/kinds/exec/system_calls.hpp>

namespace gm::kinds::exec {

namespace {

constexpr std::size_t piece_size = 256 * 1024;

}  // namespace

std::error_code spill_file::open_locked() {
    if (file_) return {};
    file_.reset(::open(directory_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600));
    if (file_) return {};
    // A file system that knows no nameless files: one with a name, for a moment. mkostemp makes it 0600 and O_EXCL.
    std::string name = directory_ + "/gristmill-XXXXXX";
    file_.reset(::mkostemp(name.data(), O_CLOEXEC));
    if (!file_) return last_error();
    return ::unlink(name.c_str()) == 0 ? std::error_code() : last_error();
}

std::error_code spill_file::append(std::string_view bytes, extent& where) {
    const std::lock_guard guard(lock_);
    if (const auto failed = open_locked()) return failed;
    where = {end_, bytes.size()};
    while (!bytes.empty()) {
        const ssize_t written = ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(end_));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            const auto failed = last_error();
            end_ = where.offset;
            return failed;
        }
        end_ += static_cast<std::uint64_t>(written);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    held_ += where.size;
    return {};
}

std::error_code spill_file::read(extent where, std::string& into) const {
    int file;
    {
        const std::lock_guard guard(lock_);
        file = file_.get();
    }
    into.resize(where.size);
    for (std::size_t done = 0; done < into.size();) {
        const ssize_t got =
            ::pread(file, into.data() + done, into.size() - done, static_cast<off_t>(where.offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return got < 0 ? last_error() : std::make_error_code(std::errc::io_error);
        done += static_cast<std::size_t>(got);
    }
    return {};
}

void spill_file::release(extent where) noexcept {
    const std::lock_guard guard(lock_);
    held_ -= where.size;
    if (held_ == 0) {
        // What fails here costs room on the disk and nothing else.
        if (::ftruncate(file_.get(), 0) == 0) end_ = 0;
        return;
    }
    (void)::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(where.offset),
                      static_cast<off_t>(where.size));
}

std::uint64_t spill_file::held() const noexcept {
    const std::lock_guard guard(lock_);
    return held_;
}

output_buffer::output_buffer(output_buffer&& other) noexcept
    : spill_(other.spill_),
      memory_(other.memory_),
      extents_(std::exchange(other.extents_, {})),
      tail_(std::exchange(other.tail_, {})),
      size_(std::exchange(other.size_, 0)) {}

output_buffer& output_buffer::operator=(output_buffer&& other) noexcept {
    if (this == &other) return *this;
    clear();
    spill_ = other.spill_;
    memory_ = other.memory_;
    extents_ = std::exchange(other.extents_, {});
    tail_ = std::exchange(other.tail_, {});
    size_ = std::exchange(other.size_, 0);
    return *this;
}

std::error_code output_buffer::append(std::string_view bytes) {
    if (tail_.size() + bytes.size() > memory_) {
        if (const auto failed = spill()) return failed;
    }
    if (bytes.size() > memory_) {
        if (const auto failed = to_file(bytes)) return failed;
    } else {
        tail_.append(bytes);
    }
    size_ += bytes.size();
    return {};
}

std::error_code output_buffer::spill() {
    if (tail_.empty()) return {};
    if (const auto failed = to_file(tail_)) return failed;
    tail_ = {};
    return {};
}

std::error_code output_buffer::to_file(std::string_view bytes) {
    spill_file::extent where{};
    if (const auto failed = spill_->append(bytes, where)) return failed;
    if (!extents_.empty() && extents_.back().offset + extents_.back().size == where.offset)
        extents_.back().size += where.size;
    else
        extents_.push_back(where);
    return {};
}

void output_buffer::clear() noexcept {
    for (const auto& where : extents_) spill_->release(where);
    extents_.clear();
    tail_.clear();
    size_ = 0;
}

std::error_code output_buffer::read_piece(spill_file::extent where, std::uint64_t done, std::string& piece) const {
    return spill_->read({where.offset + done, std::min<std::uint64_t>(piece_size, where.size - done)}, piece);
}

}  // namespace gm::kinds::exec
