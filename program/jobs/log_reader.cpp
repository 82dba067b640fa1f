#include "program/jobs/log_reader.hpp"

#include <algorithm>

namespace gm::program {

std::vector<log_piece> log_reader::news(std::span<const jobs::log_part> parts) {
    std::vector<log_piece> pieces;
    for (const jobs::log_part& part : parts) {
        if (part.epoch < epoch_) continue;
        log_piece piece{.epoch = part.epoch, .first = part.epoch != epoch_, .left_out = 0, .text = {}};
        if (piece.first) epoch_ = part.epoch, told_ = 0;
        // In bytes from its beginning: the first half up to `gap`, then what was left out, then the rest.
        const std::uint64_t gap = part.left_out != 0 ? part.text.size() / 2 : part.text.size();
        const std::string_view text = part.text;
        if (told_ < gap) {
            piece.text = text.substr(told_, gap - told_);
            pieces.push_back(piece);
            piece.first = false;
            told_ = gap;
        }
        const std::uint64_t all = text.size() + part.left_out, rest = gap + part.left_out;
        if (told_ < all) {
            piece.left_out = std::max(told_, rest) - told_;
            piece.text = text.substr(std::max(told_, rest) - part.left_out);
            pieces.push_back(piece);
            told_ = all;
        }
    }
    return pieces;
}

}  // namespace gm::program
