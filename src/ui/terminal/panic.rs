//! What a panic does to the terminal: only the thread that draws restores it.

use std::panic;
use std::thread;

use super::{is_ours, leave};

/// Makes the calling thread the one that draws. A panic there restores the terminal and then prints
/// its message as before; a panic anywhere else is logged and leaves the screen alone, because the
/// panel keeps running.
pub fn guard_this_thread() {
    let drawing = thread::current().id();
    let as_before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !is_ours() {
            as_before(info);
        } else if thread::current().id() == drawing {
            leave();
            as_before(info);
        } else {
            let place = info
                .location()
                .map_or_else(String::new, ToString::to_string);
            let what = info.payload_as_str().unwrap_or("no message");
            tracing::error!("internal error in a task at {place}: {what}");
        }
    }));
}
