//! Ctrl-Z: gives the terminal to the shell, and takes it back at `fg`.

use std::io;

use rustix::process::{Signal, getpgrp, getpid, getppid, getsid, kill_process_group};

use super::{enter, leave};

/// Why this process must not stop, if so: nothing could resume it.
///
/// In a container its parent is the first process; a session leader has no shell either.
#[must_use]
pub fn why_not() -> Option<&'static str> {
    let has_no_shell = getppid().is_none_or(rustix::process::Pid::is_init)
        || getsid(None).is_ok_and(|leader| leader == getpid());
    has_no_shell.then_some("there is no shell here to resume the panel")
}

/// Restores the terminal, stops the whole process group, and takes the terminal again.
pub fn suspend(mouse: bool) -> io::Result<()> {
    leave();
    // The whole group: a program that started this one, such as cargo, must stop as well, or the
    // shell would wait for it. Not TSTP, which this process handles without stopping.
    kill_process_group(getpgrp(), Signal::STOP)?;
    enter(mouse)
}
