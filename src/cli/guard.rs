//! What the process gives up before it reads a secret: files that others may read, core dumps, and
//! inspection by the user's other processes.
//!
//! Nothing here may make a start fail: each step only restricts, and on a system without it the program
//! is as safe as before.

/// Restricts what the process leaves behind and what others can see of it.
pub fn close_to_others() {
    #[cfg(unix)]
    {
        use rustix::fs::Mode;
        use rustix::process::{Resource, Rlimit, setrlimit, umask};

        umask(Mode::RWXG | Mode::RWXO);
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        let _ = setrlimit(Resource::Core, none);
    }
    // A core dump piped to a program ignores the limit; this also hides memory and environment in
    // /proc from the user's other processes.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};

        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
