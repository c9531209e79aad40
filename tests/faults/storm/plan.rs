//! Which fault comes when, to whom and for how long: a pure function of a seed.

use std::time::Duration;

use fastrand::Rng;

/// The longest that a provider's refusal may ask to wait, and a little more: no such refusal comes
/// later than this before the end.
const A_MINUTE: Duration = Duration::from_secs(70);

/// Something that goes wrong from outside, or that a person does meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Card {
    /// An engine is killed, and another started on the same machine.
    Kill,
    /// An engine is frozen.
    Freeze,
    /// The provider answers in this way, a word of the simulator.
    Answers(&'static str),
    /// Nobody listens where the provider was.
    Refused,
    /// The server ends all sessions.
    Sessions,
    /// The server crashes.
    Crash,
    /// All processes of the server are frozen.
    Stuck,
    /// Somebody holds a lock on the bars.
    Lock,
    /// No space is left on the disk.
    Full,
    /// The receiver of alerts answers with this status; 0: not at all.
    Receiver(u16),
    /// A person runs a command.
    Person(&'static str),
}

/// One of the two installations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Several engines on one server.
    Postgres,
    /// One engine on a file.
    Sqlite,
}

/// A card that is played.
#[derive(Debug, Clone, Copy)]
pub struct Play {
    /// When, from the beginning.
    pub at: Duration,
    /// What.
    pub card: Card,
    /// To whom.
    pub side: Side,
    /// When it is over, from the beginning.
    pub until: Duration,
    /// Which of several engines or sources it is.
    pub which: usize,
    /// What a person begins at the same time, so that the fault meets work.
    pub beside: Option<&'static str>,
}

/// Small commands of a person; `DAY` stands for one of the last two years. What is filled there is not
/// watched: bars of a day long ago leave a hole behind them.
const WORK: [&str; 4] = [
    "backfill --symbols coinbase:BTC-USD,coinbase:ETH-USD --interval 60min --from DAY --to DAY",
    "backfill --symbols binance:BTCUSDT,binance:ETHUSDT --interval 30min --from DAY --to DAY",
    "backfill --symbols alpaca:IBM,alpaca:AAPL --interval 1min --from DAY --to DAY",
    "fetch --symbols MSFT,ORCL --interval 15min",
];

/// Every card, with the longest that it lasts in milliseconds; the shortest is a tenth of that.
const DECK: [(Card, u64); 34] = [
    (Card::Kill, 0),
    (Card::Kill, 0),
    (Card::Freeze, 2_500),
    (Card::Freeze, 12_000),
    (Card::Answers("status:503"), 8_000),
    (Card::Answers("status:500"), 8_000),
    (Card::Answers("slow:2500"), 8_000),
    (Card::Answers("cut:200"), 6_000),
    (Card::Answers("truncate:300"), 6_000),
    (Card::Answers("burst"), 6_000),
    (Card::Answers("minute"), 4_000),
    (Card::Answers("garbage"), 6_000),
    (Card::Answers("html"), 6_000),
    (Card::Answers("redirect:http://127.0.0.1:9/"), 6_000),
    (Card::Answers("reset"), 6_000),
    (Card::Answers("stall"), 3_000),
    (Card::Refused, 8_000),
    (Card::Refused, 8_000),
    (Card::Sessions, 0),
    (Card::Sessions, 0),
    (Card::Crash, 6_000),
    (Card::Stuck, 6_000),
    (Card::Lock, 8_000),
    (Card::Lock, 8_000),
    (Card::Full, 8_000),
    (Card::Receiver(503), 8_000),
    (Card::Receiver(0), 8_000),
    (Card::Person("fetch --symbols IBM --interval 60min"), 0),
    (Card::Person("fetch"), 0),
    (Card::Person("fetch"), 0),
    (
        Card::Person("watch add coinbase:SOL-USD --interval 5min"),
        0,
    ),
    (
        Card::Person("watch remove coinbase:SOL-USD --interval 5min"),
        0,
    ),
    (Card::Person("status"), 0),
    (Card::Person("doctor"), 0),
];

impl Card {
    /// Whether an engine, or its store, may be gone or too late in the middle of its work.
    pub const fn interrupts(self) -> bool {
        matches!(
            self,
            Self::Kill
                | Self::Freeze
                | Self::Sessions
                | Self::Crash
                | Self::Stuck
                | Self::Lock
                | Self::Full
        )
    }

    /// Which sides it can meet.
    fn meets(self, side: Side) -> bool {
        match self {
            Self::Sessions | Self::Crash | Self::Stuck => side == Side::Postgres,
            Self::Full => side == Side::Sqlite,
            _ => true,
        }
    }

    /// Whether the server does not answer meanwhile.
    pub const fn stops_the_server(self) -> bool {
        matches!(self, Self::Crash | Self::Stuck)
    }

    /// How the printed line calls it.
    pub fn name(self) -> String {
        match self {
            Self::Answers(word) => word.split(':').next().unwrap_or(word).to_owned(),
            Self::Person(words) => words.split(" -").next().unwrap_or(words).to_owned(),
            Self::Receiver(status) => format!("receiver {status}"),
            other => format!("{other:?}").to_lowercase(),
        }
    }
}

/// The faults of a storm that lasts this long, in their order: one a period, about, each over before
/// the end. The whole deck is played before a card comes again.
pub fn plays(rng: &mut Rng, length: Duration, period: Duration) -> Vec<Play> {
    let (mut at, mut deck) = (period / 2, vec![]);
    let mut plays: Vec<Play> = vec![];
    while at + period / 2 < length {
        if deck.is_empty() {
            deck = DECK.to_vec();
            rng.shuffle(&mut deck);
        }
        let (card, most) = deck.pop().unwrap();
        let side = if rng.bool() {
            Side::Postgres
        } else {
            Side::Sqlite
        };
        let side = match (card.meets(side), side) {
            (true, side) => side,
            (false, Side::Postgres) => Side::Sqlite,
            (false, Side::Sqlite) => Side::Postgres,
        };
        let lasts = Duration::from_millis(rng.u64(most / 10..=most));
        let play = Play {
            at,
            card,
            side,
            until: (at + lasts).min(length),
            which: rng.usize(..),
            beside: rng.choice(WORK).filter(|_| rng.bool()),
        };
        if is_possible(&play, &plays, length) {
            plays.push(play);
            at += period.mul_f64(0.5 + rng.f64());
        }
    }
    plays
}

/// A server that is down cannot go down, and a pause that the provider asks for is over in the end.
fn is_possible(play: &Play, before: &[Play], length: Duration) -> bool {
    let is_down = before
        .iter()
        .any(|other| other.card.stops_the_server() && other.until >= play.at);
    let pauses = play.card == Card::Answers("minute");
    let is_too_much = is_down && play.card.stops_the_server();
    let is_too_late = pauses && play.until + A_MINUTE > length;
    !is_too_much && !is_too_late
}

#[test]
fn a_seed_gives_the_same_faults_of_all_kinds_and_each_is_over_in_the_end() {
    let length = Duration::from_mins(10);
    let storm = |seed| plays(&mut Rng::with_seed(seed), length, Duration::from_secs(5));
    let first = storm(7);
    assert_eq!(format!("{first:?}"), format!("{:?}", storm(7)));
    assert_ne!(format!("{first:?}"), format!("{:?}", storm(8)));
    assert!((90..150).contains(&first.len()), "{}", first.len());
    for (card, _) in DECK {
        let times = first.iter().filter(|play| play.card == card).count();
        assert!(times >= 2, "{card:?} comes {times} times");
    }
    for play in &first {
        assert!(play.at <= play.until && play.until <= length, "{play:?}");
        assert!(play.card.meets(play.side), "{play:?}");
    }
    for pair in first.windows(2) {
        let latest = pair[0].at + Duration::from_millis(7_500);
        assert!(pair[0].at < pair[1].at && pair[1].at <= latest, "{pair:?}");
    }
}
