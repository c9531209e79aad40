//! Clocks that jump, change to summer time and back, or show a strange year; zones without data.

mod jumps;
mod world;
mod zones;
