// Whatever the bytes are, and however narrow the terminal: what is shown on it is one line of plain characters that fits, and what is
// put on a page opens no tag and leaves no quote.
#include <cstdlib>
#include <string_view>

#include "program/cli/safe_text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, unsigned long size) {
    if (size == 0) return 0;
    const std::size_t columns = data[0];
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    for (const auto with : {gm::program::charset::ascii, gm::program::charset::unicode}) {
        const std::string shown = gm::program::one_line(text, columns, with);
        std::size_t least = 0;  // columns that plain characters take
        for (std::size_t i = 0; i != shown.size(); ++i) {
            const auto byte = static_cast<unsigned char>(shown[i]);
            if (byte < 0x20 || byte == 0x7f || (byte > 0x7f && with == gm::program::charset::ascii)) std::abort();
            if (byte == 0xc2 && static_cast<unsigned char>(shown[i + 1]) < 0xa0) std::abort();  // 0x80 to 0x9f
            least += byte < 0x80;
        }
        if (least > columns) std::abort();
        // What has been made fit stays as it is.
        if (gm::program::one_line(shown, columns, with) != shown) std::abort();
    }
    const std::string page = gm::program::for_page(text);
    if (page.find_first_of("<>\"'\x1b") != std::string::npos || page.find('\0') != std::string::npos) std::abort();
    return 0;
}
