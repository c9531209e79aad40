//! Wishes and the requests that they become.

use chrono::TimeDelta;

use super::*;

fn symbols(count: u32) -> impl Iterator<Item = String> {
    let letter = |place: u32| char::from(b'A' + u8::try_from(place % 26).unwrap());
    (0..count).map(move |place| {
        [place / 676, place / 26, place]
            .map(letter)
            .iter()
            .collect()
    })
}

/// What a request asks for: first and last instant, and how many symbols.
fn asked(planned: &Planned) -> Vec<(String, String, usize)> {
    let get = |request: &Request, name: &str| request.get(name).unwrap().to_owned();
    planned
        .requests
        .iter()
        .map(|request| {
            let symbols = get(request, "symbols").split(',').count();
            assert_eq!(symbols, request.series.len());
            (get(request, "start"), get(request, "end"), symbols)
        })
        .collect()
}

#[test]
fn a_request_says_everything_explicitly() {
    let time = span("2026-08-03T13:30:00Z", "2026-08-03T20:00:00Z");
    let request = request(between("AAPL", Interval::Min1, time));
    let pairs: Vec<String> = request
        .parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        pairs.join("&"),
        "symbols=AAPL&timeframe=1Min&start=2026-08-03T13:30:00Z&end=2026-08-03T19:59:59.999Z\
         &limit=10000&adjustment=raw&asof=2026-11-20&feed=sip&sort=asc"
    );
    assert_eq!(request.endpoint, "v2/stocks/bars");
    assert_eq!(
        plan::time(&request),
        Some(time),
        "the end is inclusive there"
    );
}

#[test]
fn a_part_of_a_second_loses_no_bar() {
    let span = span("2026-11-20T16:55:00.952Z", "2026-11-20T17:20:00Z");
    let planned = free().plan(&[wish("AAPL", Interval::Min5, &[span])]);
    assert_eq!(asked(&planned)[0].0, "2026-11-20T16:55:00Z");
}

#[test]
fn the_last_hour_of_three_hundred_symbols_is_two_requests() {
    let hour = span("2026-11-20T19:30:00Z", NOW);
    let wishes: Vec<Wish> = symbols(300)
        .map(|symbol| wish(&symbol, Interval::Min1, &[hour]))
        .collect();
    let planned = free().plan(&wishes);
    let one = ("2026-11-20T19:30:00Z", "2026-11-20T20:38:59.999Z", 150);
    let one = (one.0.to_owned(), one.1.to_owned(), one.2);
    assert_eq!(asked(&planned), [one.clone(), one]);
    for request in &planned.requests {
        let url = url::Url::parse_with_params("https://x/", &request.parameters).unwrap();
        assert!(url.as_str().len() < 6_000, "{}", url.as_str().len());
    }
}

#[test]
fn long_symbols_still_fit_into_a_url() {
    let hour = span("2026-11-20T19:30:00Z", NOW);
    let wishes: Vec<Wish> = symbols(200)
        .map(|symbol| {
            wish(
                &format!("{symbol}{}", "X".repeat(29)),
                Interval::Min1,
                &[hour],
            )
        })
        .collect();
    for request in &free().plan(&wishes).requests {
        let url = url::Url::parse_with_params("https://x/", &request.parameters).unwrap();
        assert!(url.as_str().len() < 6_000, "{}", url.as_str().len());
    }
}

#[test]
fn what_a_plan_withholds_is_not_asked_for() {
    let recent = span("2026-11-20T20:40:00Z", NOW);
    let refused = |source: &Alpaca| {
        let planned = source.plan(&[wish("AAPL", Interval::Min1, &[recent])]);
        planned.refused.first().map(|(_, refusal)| refusal.clone())
    };
    let refusal = refused(&free()).unwrap();
    assert_eq!(refusal.class, ErrorClass::NotEntitled);
    assert_eq!(
        refusal.text,
        "newest possible now: 15:39; plan withholds the last 15 minutes"
    );
    assert_eq!(refused(&source_at(&SIP, "paid", NOW)), None);
    assert_eq!(refused(&source_at(&IEX, "free", NOW)), None);
    let later = span("2026-11-20T20:30:00Z", NOW);
    let end = |source: &Alpaca, interval| {
        let planned = source.plan(&[wish("AAPL", interval, &[later])]);
        planned.requests[0].get("end").unwrap().to_owned()
    };
    assert_eq!(end(&free(), Interval::Min1), "2026-11-20T20:38:59.999Z");
    assert_eq!(end(&free(), Interval::Min5), "2026-11-20T20:34:59.999Z");
    assert_eq!(end(&free(), Interval::Daily), "2026-11-20T20:39:29.999Z");
    let paid = source_at(&SIP, "paid", NOW);
    assert_eq!(end(&paid, Interval::Min1), "2026-11-20T20:54:59.999Z");
}

#[test]
fn times_that_are_alike_share_a_request_and_others_do_not() {
    let close = |minutes| {
        let to = at("2026-11-20T20:30:00Z");
        Span::new(to - TimeDelta::minutes(minutes), to)
    };
    let near = [
        wish("A", Interval::Min5, &[close(30)]),
        wish("B", Interval::Min5, &[close(45)]),
        wish("C", Interval::Min5, &[close(600), close(15)]),
    ];
    assert_eq!(free().plan(&near).requests.len(), 1);
    let apart = [
        wish("A", Interval::Min5, &[close(30)]),
        wish(
            "B",
            Interval::Min5,
            &[span("2019-03-01T05:00:00Z", "2019-06-01T04:00:00Z")],
        ),
        wish("C", Interval::Min15, &[close(30)]),
    ];
    let planned = free().plan(&apart);
    assert_eq!(planned.requests.len(), 3);
    let hole = span("2019-03-01T14:30:00Z", "2019-03-01T15:00:00Z");
    let both = free().plan(&[wish("A", Interval::Min1, &[hole, close(30)])]);
    let [newest, oldest] = asked(&both).try_into().unwrap();
    assert_eq!(newest.0, "2026-11-20T20:00:00Z");
    assert_eq!(oldest.1, "2019-03-01T14:59:59.999Z");
}

#[test]
fn long_walks_are_cut_where_they_can_be_gone_on_with() {
    let all = span("2024-06-01T00:00:00Z", NOW);
    let planned = free().plan(&[wish("AAPL", Interval::Min1, &[all])]);
    let starts: Vec<String> = asked(&planned)
        .into_iter()
        .map(|(start, ..)| start)
        .collect();
    assert_eq!(
        starts,
        [
            "2026-11-20T05:00:00Z",
            "2026-01-01T05:00:00Z",
            "2025-01-01T05:00:00Z",
            "2024-06-01T00:00:00Z"
        ]
    );
    let wishes: Vec<Wish> = symbols(100)
        .map(|symbol| {
            wish(
                &symbol,
                Interval::Min1,
                &[span("2025-01-01T05:00:00Z", "2026-01-01T05:00:00Z")],
            )
        })
        .collect();
    let planned = free().plan(&wishes);
    for request in &planned.requests {
        let time = plan::time(request).unwrap();
        let pages = times::requests(Interval::Min1, &[time], request.series.len());
        assert!(pages <= 50, "{pages}");
    }
    let daily = free().plan(&[wish(
        "AAPL",
        Interval::Daily,
        &[span("2016-01-04T05:00:00Z", NOW)],
    )]);
    assert_eq!(daily.requests.len(), 1, "all of it is one page");
}

#[test]
fn a_bar_of_more_than_a_day_is_asked_for_from_its_beginning() {
    let time = span("2026-11-19T05:00:00Z", NOW);
    for (interval, start) in [
        (Interval::Daily, "2026-11-19T05:00:00Z"),
        (Interval::Weekly, "2026-11-16T05:00:00Z"),
        (Interval::Monthly, "2026-11-01T04:00:00Z"),
    ] {
        let request = request(wish("AAPL", interval, &[time]));
        assert_eq!(request.get("start"), Some(start), "{interval}");
    }
}

#[test]
fn nothing_of_a_wish_is_ignored() {
    let plain = |interval| Wish::newest(series("AAPL", interval));
    let adjusted = {
        let mut wish = plain(Interval::Daily);
        wish.series.adjusted = true;
        wish
    };
    let extra = {
        let mut wish = plain(Interval::Min5);
        let value = "full".to_owned();
        wish.extras = vec![crate::pipeline::source::Extra {
            name: "outputsize",
            value,
        }];
        wish
    };
    let old = between(
        "AAPL",
        Interval::Min5,
        span("2009-01-01T05:00:00Z", "2009-02-01T05:00:00Z"),
    );
    for (wish, word) in [
        (adjusted, "--adjusted"),
        (extra, "--outputsize"),
        (old, "before 2016-01-04"),
    ] {
        let planned = free().plan(&[wish]);
        assert_eq!(planned.requests, []);
        let (_, refusal) = &planned.refused[0];
        assert_eq!(refusal.class, ErrorClass::BadRequest);
        assert!(refusal.text.contains(word), "{}", refusal.text);
    }
    let regular = Wish {
        hours: Hours::Regular,
        ..plain(Interval::Min5)
    };
    let request = request(regular);
    assert_eq!(plan::hours(&request), Hours::Regular);
    let route = SETTINGS.route(&request);
    assert!(route.query.iter().all(|(name, _)| name != "hours"));
    assert_eq!((route.address, route.path.as_str()), (0, "v2/stocks/bars"));
    let list = assets::ask(&SIP, &SymbolWish::List).unwrap();
    let list = SETTINGS.route(&list);
    assert_eq!((list.address, list.path.as_str()), (1, "v2/assets"));
}

#[test]
fn the_newest_bars_reach_back_over_a_long_weekend() {
    for interval in [
        Interval::Min1,
        Interval::Min5,
        Interval::Min15,
        Interval::Daily,
    ] {
        let source = free_at("2026-09-08T12:00:00Z");
        let planned = source.plan(&[Wish::newest(series("AAPL", interval))]);
        let time = plan::time(&planned.requests[0]).unwrap();
        assert!(
            time.from < at("2026-09-04T13:30:00Z"),
            "{interval}: {time:?}"
        );
    }
}

#[test]
fn one_symbol_that_is_refused_leaves_the_others() {
    let hour = [span("2026-11-20T19:30:00Z", NOW)];
    let wishes = ["AAPL", "CSP1", "MSFT"].map(|symbol| wish(symbol, Interval::Min1, &hour));
    let planned = free().plan(&wishes);
    let request = &planned.requests[0];
    let refusal = |body| free().read(request, &answer(400, body)).unwrap_err();
    let named = refusal(r#"{"message":"invalid symbol: CSP1"}"#);
    let rest = free().amend(request, &named).unwrap();
    assert_eq!(rest.get("symbols"), Some("AAPL,MSFT"));
    assert_eq!(rest.series.len(), 2);
    let other = refusal(r#"{"message":"invalid symbol: OTHER"}"#);
    assert_eq!(free().amend(request, &other), None);
    let alone = free().plan(&[wish("CSP1", Interval::Min1, &hour)]);
    assert_eq!(free().amend(&alone.requests[0], &named), None);
}

#[test]
fn what_is_too_recent_is_asked_for_again_with_an_earlier_end_once() {
    let paid = source_at(&SIP, "paid", NOW);
    let wishes = [wish(
        "AAPL",
        Interval::Min1,
        &[span("2026-11-20T19:30:00Z", NOW)],
    )];
    let request = &paid.plan(&wishes).requests[0];
    let body = r#"{"message":"subscription does not permit querying recent SIP data"}"#;
    let refusal = paid.read(request, &answer(403, body)).unwrap_err();
    assert!(paid.publishing().delay.is_zero());
    let earlier = paid.amend(request, &refusal).unwrap();
    assert_eq!(earlier.get("end"), Some("2026-11-20T20:36:59.999Z"));
    assert_eq!(earlier.series, request.series);
    assert!(
        !paid.publishing().delay.is_zero(),
        "learnt for the next plan"
    );
    assert_eq!(paid.amend(&earlier, &refusal), None, "once");
}

#[test]
fn what_a_key_has_is_tried_once_and_known_then() {
    let recent = wish("AAPL", Interval::Min1, &[span("2026-11-20T20:40:00Z", NOW)]);
    let end = |source: &Alpaca| {
        let planned = source.plan(std::slice::from_ref(&recent));
        planned
            .requests
            .first()
            .map(|request| request.get("end").unwrap().to_owned())
    };
    let newest = Some("2026-11-20T20:54:59.999Z".to_owned());
    let delay = |source: &Alpaca| source.publishing().delay.num_minutes();
    let unknown = source_at(&SIP, "free", NOW);
    assert_eq!(
        (end(&unknown), delay(&unknown)),
        (newest.clone(), 16),
        "as the settings say"
    );
    let request = &unknown.plan(std::slice::from_ref(&recent)).requests[0];
    unknown.withholding.heed(request, &answer(403, "{}"));
    assert_eq!(unknown.withholding.known(), None);
    unknown.withholding.heed(request, &answer(200, "{}"));
    assert_eq!(
        (end(&unknown), delay(&unknown)),
        (newest.clone(), 0),
        "whatever the settings say"
    );

    let paid = source_at(&SIP, "paid", NOW);
    paid.know(&[Entitlement {
        granted: true,
        ..withheld()
    }]);
    assert_eq!((end(&paid), delay(&paid)), (newest, 0));
    paid.know(&[withheld()]);
    assert_eq!((end(&paid), delay(&paid)), (None, 16));
}
