//! Ctrl-Z: the terminal back to the shell, and back again at `fg`.

use std::io;

use rustix::process::{Signal, getpgrp, getpid, getppid, getsid, kill_process_group};

use super::{enter, leave};

/// Why this process must not stop, if so: nobody could let it go on.
///
/// In a container its parent is the first process, and as a session's leader it has no shell either.
#[must_use]
pub fn why_not() -> Option<&'static str> {
    let has_no_shell = getppid().is_none_or(rustix::process::Pid::is_init)
        || getsid(None).is_ok_and(|leader| leader == getpid());
    has_no_shell.then_some("there is no shell here that could resume the panel")
}

/// Gives the terminal back, stops with everything that was started together, and takes it again.
pub fn suspend(mouse: bool) -> io::Result<()> {
    leave();
    // The whole group: a program that started this one, such as cargo, must stop as well, or the
    // shell would wait for it. Not TSTP, for that one this process hears and does not stop by.
    kill_process_group(getpgrp(), Signal::STOP)?;
    enter(mouse)
}
