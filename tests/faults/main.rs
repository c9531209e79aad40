//! Faults that come from outside, and judges that never ask the program.
//!
//! Faults enter where the program meets the world: its process is killed, its database stopped,
//! frozen or cut off. Each test says how many rounds it makes and which variable asks for more;
//! `just faults` asks for many, `just faults-long` for very many.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail loudly"
)]

mod crash;
mod outage;
mod starts;
mod support;
mod transport;
