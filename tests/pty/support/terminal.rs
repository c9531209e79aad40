//! A pseudo-terminal with a program in it, as a person sees and uses it.
//!
//! Nothing here sleeps: every wait ends with the chunk of output or the change of the process that
//! it waits for, or fails after [`LIMIT`] with the screen as it was. What no chunk shows, such as the
//! modes of the line discipline, is polled.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use memchr::memmem;
use portable_pty::{CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::io::{Errno, ioctl_fionread};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};

use super::keys;
use super::record::Record;
pub use super::record::{Life, LineModes};

/// How long a test waits for what must come.
pub const LIMIT: Duration = Duration::from_secs(30);
/// The key Esc, and how all others begin that send more than a character.
const ESCAPE: &[u8] = b"\x1b";
/// How often what no chunk shows is polled.
const LOOK: Duration = Duration::from_millis(20);
/// Bytes that are written at once: about what a terminal keeps for a process that does not read.
const PIECE: usize = 1 << 12;
/// Pieces of input in flight: more than any test sends before it looks.
const PENDING: usize = 256;
/// A parent that stops and resumes with its child as a person's shell does. It reports each end of a
/// command, and then runs the next typed line.
const SHELL: &str = r#"set -m; "$0" "$@"; echo "[shell: $?]"; while read -r line; do eval "$line"; echo "[shell: $?]"; done"#;

/// A program in a terminal. It is killed when this is dropped.
pub struct Terminal {
    shared: Arc<Shared>,
    input: SyncSender<Vec<u8>>,
    pub process: Pid,
    before: LineModes,
}

struct Shared {
    record: Mutex<Record>,
    changed: Condvar,
    master: Mutex<Box<dyn MasterPty + Send>>,
}

impl Shared {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, how: impl FnOnce(&mut Record)) {
        how(&mut self.record());
        self.changed.notify_all();
    }

    fn master(&self) -> MutexGuard<'_, Box<dyn MasterPty + Send>> {
        self.master.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line_modes(&self) -> LineModes {
        LineModes::of(self.master().as_ref())
    }
}

impl Terminal {
    /// Starts a command as the leader of a session on a new terminal of so many rows and columns.
    ///
    /// It gets the variables that the command sets and no others; `TERM` is `xterm-256color` unless
    /// the command sets it, and unset if that is empty. The far end is silent: no query is answered.
    pub fn start((rows, columns): (u16, u16), command: &Command) -> Self {
        Self::open((rows, columns), command, false)
    }

    /// The same with a far end that reports where the cursor is.
    pub fn start_answering((rows, columns): (u16, u16), command: &Command) -> Self {
        Self::open((rows, columns), command, true)
    }

    /// The same with a shell between, so that the command can be suspended.
    ///
    /// The shell prints `[shell: CODE]` when its command ends or stops, then runs typed lines.
    pub fn start_under_shell(size: (u16, u16), command: &Command) -> Self {
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", SHELL])
            .arg(command.get_program())
            .args(command.get_args());
        shell.envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        shell.current_dir(command.get_current_dir().unwrap_or(Path::new("/")));
        Self::open(size, &shell, false)
    }

    fn open((rows, columns): (u16, u16), command: &Command, answers: bool) -> Self {
        let pair = native_pty_system().openpty(size(rows, columns)).unwrap();
        let before = LineModes::of(pair.master.as_ref());
        let reader = pair.master.try_clone_reader().unwrap();
        let writer = pair.master.take_writer().unwrap();
        let child = pair.slave.spawn_command(builder(command)).unwrap();
        let process = i32::try_from(child.process_id().unwrap()).unwrap();
        let process = Pid::from_raw(process).unwrap();
        let shared = Arc::new(Shared {
            record: Mutex::new(Record::new(rows, columns)),
            changed: Condvar::new(),
            master: Mutex::new(pair.master),
        });
        let (input, pending) = sync_channel(PENDING);
        let answer = answers.then(|| input.clone());
        std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || write(&shared, &pending, writer)
        });
        std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || read(&shared, reader, answer.as_ref())
        });
        std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || watch(&shared, process, pair.slave)
        });
        Self {
            shared,
            input,
            process,
            before,
        }
    }

    /// Waits until the screen holds a text.
    #[track_caller]
    pub fn see(&self, text: &str) {
        self.see_within(LIMIT, text);
    }

    /// Waits at most this long until the screen holds a text.
    #[track_caller]
    pub fn see_within(&self, limit: Duration, text: &str) {
        self.wait_for(limit, &format!("{text:?} on the screen"), |record| {
            record.screen().contents().contains(text).then_some(())
        });
    }

    /// Waits until this is true of the screen.
    #[track_caller]
    pub fn until(&self, is_true: impl Fn(&vt100::Screen) -> bool) {
        self.until_within(LIMIT, is_true);
    }

    /// Waits at most this long until this is true of the screen.
    #[track_caller]
    pub fn until_within(&self, limit: Duration, is_true: impl Fn(&vt100::Screen) -> bool) {
        self.wait_for(limit, "a condition of the screen", |record| {
            is_true(record.screen()).then_some(())
        });
    }

    /// Waits until the stream holds a text, wherever on the screen it went.
    #[track_caller]
    pub fn until_written(&self, text: &str) {
        self.wait_for(LIMIT, &format!("{text:?} in the stream"), |record| {
            memmem::find(record.since(0), text.as_bytes()).map(drop)
        });
    }

    /// Waits until the process reads keys, not lines: until it has switched the line discipline. One
    /// that resumes after a stop may do so more than once.
    #[track_caller]
    pub fn until_it_reads_keys(&self) {
        self.wait_for(LIMIT, "a process that reads keys", |_| {
            (self.shared.line_modes() != self.before).then_some(())
        });
    }

    /// Waits until all input has been read, except what the system buffers. That takes as long as it
    /// takes: only a process that reads nothing more runs into the limit.
    #[track_caller]
    pub fn until_taken(&self) {
        loop {
            let before = self.shared.record().taken;
            let is_all = self.wait_for(LIMIT, "input to be taken", |record| {
                let is_all = record.taken == record.sent;
                (is_all || record.taken > before).then_some(is_all)
            });
            if is_all {
                return;
            }
        }
    }

    /// Waits until the process is in a state.
    #[track_caller]
    pub fn until_it_is(&self, life: Life) {
        self.wait_for(LIMIT, &format!("{life:?}"), |record| {
            (record.life == life).then_some(())
        });
    }

    /// Waits until nothing was written for this long.
    #[track_caller]
    pub fn idle(&self, quiet: Duration) {
        let deadline = Instant::now() + LIMIT;
        let mut record = self.shared.record();
        loop {
            let length = record.length();
            let (now, waited) = self
                .shared
                .changed
                .wait_timeout_while(record, quiet, |record| {
                    record.length() == length && !record.is_complete
                })
                .unwrap_or_else(PoisonError::into_inner);
            if waited.timed_out() || now.is_complete {
                return;
            }
            record = now;
            if Instant::now() > deadline {
                let description = record.describe();
                drop(record);
                panic!("it never was quiet for {quiet:?}; {description}");
            }
        }
    }

    /// Waits for the end of the process and of its output. Minus a signal, if one killed it.
    #[track_caller]
    pub fn wait(&self) -> i32 {
        self.wait_for(LIMIT, "the end", |record| match record.life {
            Life::Ended(code) if record.is_complete => Some(code),
            _ => None,
        })
    }

    #[track_caller]
    fn wait_for<T>(&self, limit: Duration, what: &str, found: impl Fn(&Record) -> Option<T>) -> T {
        let deadline = Instant::now() + limit;
        let mut record = self.shared.record();
        loop {
            if let Some(found) = found(&record) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || record.is_complete {
                let description = record.describe();
                drop(record);
                panic!("waited in vain for {what}; {description}");
            }
            let waited = self.shared.changed.wait_timeout(record, left.min(LOOK));
            record = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Presses a key: `f`, `ctrl-c`, `enter`, `esc`, `f12`, …
    pub fn press(&self, key: &str) {
        self.send(keys::bytes(key));
    }

    /// Types a text, key by key.
    pub fn type_text(&self, text: &str) {
        self.send(text.as_bytes().to_vec());
    }

    /// Pastes a text, in the brackets that mark it as pasted.
    pub fn paste(&self, text: &str) {
        self.send([b"\x1b[200~", text.as_bytes(), b"\x1b[201~"].concat());
    }

    fn send(&self, bytes: Vec<u8>) {
        self.shared.record().sent += bytes.len();
        self.input.send(bytes).unwrap();
    }

    /// Changes the size of the window.
    pub fn resize(&self, rows: u16, columns: u16) {
        // No chunk comes between the two sizes.
        let mut record = self.shared.record();
        self.shared.master().resize(size(rows, columns)).unwrap();
        record.resize(rows, columns);
    }

    /// Sends a signal to the process in the foreground: the command, or the shell that waits for it.
    pub fn signal(&self, name: &str) {
        let signal = match name {
            "HUP" => Signal::HUP,
            "INT" => Signal::INT,
            "QUIT" => Signal::QUIT,
            "TERM" => Signal::TERM,
            "TSTP" => Signal::TSTP,
            "STOP" => Signal::STOP,
            "CONT" => Signal::CONT,
            "KILL" => Signal::KILL,
            _ => panic!("no signal is called {name:?}"),
        };
        match kill_process(self.foreground(), signal) {
            // It may have ended by itself.
            Ok(()) | Err(Errno::SRCH) => {}
            Err(error) => panic!("{name} cannot be sent ({error})"),
        }
    }

    fn foreground(&self) -> Pid {
        let leader = self.shared.master().process_group_leader();
        leader.and_then(Pid::from_raw).unwrap_or(self.process)
    }

    /// Stops the process in a way that no program can prevent, and waits until it is stopped.
    #[track_caller]
    pub fn stop(&self) {
        self.signal("STOP");
        self.until_it_is(Life::Stopped);
    }

    /// Resumes a stopped process.
    #[track_caller]
    pub fn cont(&self) {
        self.signal("CONT");
        self.wait_for(LIMIT, "going on", |record| {
            (record.life != Life::Stopped).then_some(())
        });
    }

    /// The modes of the line discipline: now, or as the process left them.
    pub fn line_modes(&self) -> LineModes {
        let at_end = self.shared.record().line_modes_at_end.clone();
        at_end.unwrap_or_else(|| self.shared.line_modes())
    }

    /// What differs from the terminal as the process found it; nothing, if it is restored.
    pub fn damage(&self) -> Vec<String> {
        let now = self.line_modes();
        self.shared.record().damage(&self.before, &now)
    }

    /// What was written that is not on the list of sequences.
    pub fn foreign(&self) -> Vec<String> {
        self.shared.record().foreign.clone()
    }

    /// The text of the screen.
    pub fn contents(&self) -> String {
        self.shared.record().screen().contents()
    }

    /// A place in the stream: here.
    pub fn mark(&self) -> usize {
        self.shared.record().length()
    }

    /// The bytes that came after a mark.
    pub fn bytes_since(&self, mark: usize) -> Vec<u8> {
        self.shared.record().since(mark).to_vec()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if !matches!(self.shared.record().life, Life::Ended(_)) {
            let _ = kill_process_group(self.foreground(), Signal::KILL);
            let _ = kill_process(self.process, Signal::KILL);
        }
    }
}

const fn size(rows: u16, cols: u16) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn builder(command: &Command) -> CommandBuilder {
    let mut builder = CommandBuilder::new(command.get_program());
    builder.args(command.get_args());
    builder.env_clear();
    builder.env("TERM", "xterm-256color");
    for (name, value) in command.get_envs() {
        match value {
            Some(value) if name != "TERM" || !value.is_empty() => builder.env(name, value),
            _ => builder.env_remove(name),
        }
    }
    builder.cwd(command.get_current_dir().unwrap_or(Path::new("/")));
    builder
}

fn write(shared: &Shared, pending: &Receiver<Vec<u8>>, mut writer: Box<dyn Write + Send>) {
    for bytes in pending {
        for piece in bytes.chunks(PIECE) {
            // A process that has ended reads no more.
            if writer.write_all(piece).is_err() {
                return;
            }
            if piece == ESCAPE {
                until_read(shared);
            }
            shared.change(|record| record.taken += piece.len());
        }
    }
}

/// Waits until the process has read what was typed, or does not read: Esc and the next key in one read
/// would be one key with Alt.
fn until_read(shared: &Shared) {
    let name = shared.master().tty_name();
    let Some(slave) = name.and_then(|name| File::open(name).ok()) else {
        return;
    };
    let deadline = Instant::now() + LIMIT;
    let mut record = shared.record();
    while record.life == Life::Running && Instant::now() < deadline {
        if ioctl_fionread(&slave).is_ok_and(|unread| unread == 0) {
            return;
        }
        let waited = shared.changed.wait_timeout(record, LOOK);
        record = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
}

fn read(shared: &Shared, mut reader: Box<dyn Read + Send>, answer: Option<&SyncSender<Vec<u8>>>) {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = match reader.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) | Ok(0) => break,
            Ok(count) => count,
        };
        shared.change(|record| {
            record.feed(&buffer[..count]);
            for _ in 0..std::mem::take(&mut record.queries) {
                let (row, column) = record.screen().cursor_position();
                let text = format!("\x1b[{};{}R", row + 1, column + 1);
                let length = text.len();
                if answer.is_some_and(|input| input.try_send(text.into_bytes()).is_ok()) {
                    record.sent += length;
                }
            }
        });
    }
    shared.change(|record| record.is_complete = true);
}

/// Follows the process to its end. The terminal stays open until then, as under a shell, and is
/// closed after it, so that the reader sees where the output ends.
fn watch(shared: &Shared, process: Pid, slave: Box<dyn SlavePty + Send>) {
    let changes = WaitIdOptions::EXITED | WaitIdOptions::STOPPED | WaitIdOptions::CONTINUED;
    loop {
        let status = match waitid(WaitId::Pid(process), changes) {
            Err(Errno::INTR) => continue,
            status => status.unwrap().unwrap(),
        };
        let life = if status.stopped() {
            Life::Stopped
        } else if status.continued() {
            Life::Running
        } else {
            let killed = status.terminating_signal().map(|signal| -signal);
            Life::Ended(status.exit_status().or(killed).unwrap())
        };
        let is_over = matches!(life, Life::Ended(_));
        let line_modes = is_over.then(|| shared.line_modes());
        shared.change(|record| {
            record.life = life;
            record.line_modes_at_end = line_modes;
        });
        if is_over {
            drop(slave);
            return;
        }
    }
}
