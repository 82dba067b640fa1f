#pragma once
// Room for the file descriptors of the commands that run at a time.

namespace gm::program {

// Raises the soft limit of this process, if it is too low for so many commands, as far as the hard one lets it. Only where it has
// to be: commands inherit it, and some cannot deal with many. Thread safety: any thread.
void make_room_for(unsigned commands) noexcept;

}  // namespace gm::program
