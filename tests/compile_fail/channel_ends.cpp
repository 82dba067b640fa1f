// A directional end does one thing, and a channel carries values.
// misuse 1: no member named 'send' in 'gm::receiver<int>'
// misuse 2: no member named 'receive' in 'gm::sender<int>'
// misuse 3: no matching (constructor|conversion)|no viable conversion|cannot convert
// misuse 4: a channel carries values
// misuse 5: a channel carries values
// misuse 6: a channel's values must be movable
// misuse 7: no member named 'close' in 'gm::receiver<int>'
// misuse 8: must be assignable: a send that fails gives it back
#include <gristmill/channel.hpp>

void right(const gm::channel<int>& both) {
    gm::sender<int> in(both);
    gm::receiver<int> out(both);
    in.send(1);
    gm::channel<int> rendezvous(0);  // a literal zero is a capacity, never a null pointer
    (void)out.receive();
}

#if MISUSE == 1
void wrong(const gm::receiver<int>& out) { out.send(1); }
#elif MISUSE == 2
void wrong(const gm::sender<int>& in) { (void)in.receive(); }
#elif MISUSE == 3
gm::sender<int> wrong(const gm::receiver<int>& out) { return out; }
#elif MISUSE == 4
gm::channel<const int> wrong(1);
#elif MISUSE == 5
gm::channel<int&> wrong(1);
#elif MISUSE == 6
struct stays {
    stays() = default;
    stays(stays&&) = delete;
};
gm::channel<stays> wrong(1);
#elif MISUSE == 7
void wrong(const gm::receiver<int>& out) { out.close(); }
#elif MISUSE == 8
struct throws_and_stays {
    throws_and_stays() = default;
    throws_and_stays(throws_and_stays&&) noexcept(false) {}
};
gm::channel<throws_and_stays> wrong(1);
#endif
