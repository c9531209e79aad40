//! What was planted in the market, and what the program found: bar by bar, on both databases.
//!
//! The program runs as people run it, under the clock of the simulated market. What it says is
//! compared with the simulator's witness, which shares no code with it, and with the rows of the store.

mod behind;
mod clock;
mod corrected;
mod engine;
mod events;
mod holes;
mod outage;
mod sessions;
mod verdict;
mod world;
