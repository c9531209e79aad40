//! What the process gives up before it learns a secret: files that others may read, core dumps, being
//! looked into by other processes of its user.
//!
//! Nothing here may fail a start: each of these only narrows, and where the system knows none of it the
//! program is as safe as it was.

/// Narrows what the process leaves behind and lets others see of it.
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
    // A core that is piped to a program heeds no limit; this also keeps memory and environment in
    // /proc from the user's other processes.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};

        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
