//! Files that hold a key or a password, as editors and shells leave them.

use super::*;

/// Bytes of a file, and the secret in them.
const RIGHT: [(&[u8], &str); 10] = [
    (b"KEY12345ABCD", "KEY12345ABCD"),
    (b"KEY12345ABCD\r\n", "KEY12345ABCD"),
    (b"\xef\xbb\xbfKEY12345ABCD", "KEY12345ABCD"),
    (b"\xef\xbb\xbfKEY12345ABCD\r\n", "KEY12345ABCD"),
    (b"\"KEY12345ABCD\"\n", "KEY12345ABCD"),
    (b"'KEY12345ABCD'", "KEY12345ABCD"),
    (b"\xef\xbb\xbf \"KEY12345ABCD\" \r\n", "KEY12345ABCD"),
    (b"KEY12345ABCD\n\n", "KEY12345ABCD"),
    (b"'SOMEKEY=VALUE'", "SOMEKEY=VALUE"),
    (b"aGVsbG8gd29ybGQ=\n", "aGVsbG8gd29ybGQ="),
];

/// Bytes of a file, and what is said about them.
const WRONG: [(&[u8], &str); 13] = [
    (b"", "it is empty"),
    (b"\xef\xbb\xbf\r\n", "it is empty"),
    (b"\"\"\n", "it is empty"),
    (b"\xff\xfeC\0A\0N\0", "save it as UTF-8"),
    (b"\xfe\xff\0C\0A\0N", "save it as UTF-8"),
    (b"C\0A\0N\0A\0", "save it as UTF-8"),
    (b"CANARY\xff", "not UTF-8"),
    (b"FIRST_API_KEY=CANARY12345\n", "NAME=value"),
    (
        b"\xef\xbb\xbfexport FIRST_API_KEY=CANARY12345",
        "NAME=value",
    ),
    (b"api_key = CANARY12345", "NAME=value"),
    (b"POSTGRES_PASSWORD=CANARY12345", "NAME=value"),
    (b"# mine\r\nAPI_KEY=CANARY12345", "none of them a space"),
    (b"\"CANARY12345", "none of them a space"),
];

fn place(bytes: &[u8], of: &str) -> Place {
    let place = Place::new().file("secret", "").var(of, "secret");
    fs::write(place.dir.path().join("secret"), bytes).unwrap();
    place
}

fn saved(bytes: &[u8]) -> Place {
    let place = Place::new().file("config/api_key", "");
    fs::write(place.dir.path().join("config/api_key"), bytes).unwrap();
    place
}

#[test]
fn a_key_is_read_as_editors_and_shells_leave_it() {
    for (bytes, secret) in RIGHT {
        let shown = String::from_utf8_lossy(bytes);
        let named = place(bytes, "FIRST_API_KEY_FILE");
        let settings = named.load();
        assert_eq!(key_of(&settings), secret, "{shown:?}");
        let mut flagged = place(bytes, "PIPELINE_DATA_DIR");
        flagged.inputs.flags.api_key_file = vec!["secret".into()];
        assert_eq!(key_of(&flagged.load()), secret, "{shown:?}");
        let settings = saved(bytes).load();
        assert_eq!(key_of(&settings), secret, "{shown:?}");
        assert_eq!(settings.warnings, Vec::<String>::new());
    }
}

#[test]
fn a_password_is_read_by_the_same_rule() {
    for (bytes, secret) in RIGHT {
        let place = place(bytes, "POSTGRES_PASSWORD_FILE").var("POSTGRES_HOST", "db");
        let Database::Postgres(server) = place.load().database else {
            panic!("not a server")
        };
        let url = url::Url::parse(server.url.expose()).unwrap();
        let encoded = url.password().unwrap().replace("%3D", "=");
        assert_eq!(encoded, secret);
    }
}

#[test]
fn a_file_that_holds_no_key_alone_is_refused_in_words() {
    for (bytes, reason) in WRONG {
        let error = place(bytes, "FIRST_API_KEY_FILE").error();
        assert!(error.contains(reason), "{error}");
        assert!(!error.contains("CANARY"), "{error}");
        let settings = saved(bytes).load();
        assert!(!settings.usual.key.is_own);
        let warnings = settings.warnings.join("\n");
        assert!(
            warnings.contains("is not used") && warnings.contains(reason),
            "{warnings}"
        );
        assert!(!warnings.contains("CANARY"), "{warnings}");
    }
}

#[test]
fn a_key_that_stands_in_a_variable_is_not_sent_with_its_quotes() {
    for key in ["\"CANARY12345\"", "'CANARY12345'", "\u{feff}CANARY12345"] {
        let error = Place::new().var("FIRST_API_KEY", key).error();
        assert!(
            error.contains("copy it again") && !error.contains("CANARY"),
            "{error}"
        );
    }
}
