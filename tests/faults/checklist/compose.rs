//! The Compose files: what is published, what a service may do, where passwords come from.

use yaml_rust2::{Yaml, YamlLoader};

use super::text;

/// A service with what it merges from an anchor (`<<`).
struct Service {
    name: String,
    body: Yaml,
}

impl Service {
    fn get(&self, key: &str) -> &Yaml {
        let own = &self.body[key];
        if own.is_badvalue() {
            &self.body["<<"][key]
        } else {
            own
        }
    }

    /// The strings of a list.
    fn list(&self, key: &str) -> Vec<&str> {
        self.get(key)
            .as_vec()
            .map(|list| list.iter().filter_map(Yaml::as_str).collect())
            .unwrap_or_default()
    }
}

fn services(file: &str) -> Vec<Service> {
    let document = YamlLoader::load_from_str(file).unwrap().remove(0);
    let services = document["services"].as_hash().unwrap();
    services
        .iter()
        .map(|(name, body)| Service {
            name: name.as_str().unwrap().to_owned(),
            body: body.clone(),
        })
        .collect()
}

fn all() -> Vec<Service> {
    let mut all = services(&text("docker-compose.yml"));
    // The second file adds one service; for the other it only changes settings.
    let more = services(&text("docker-compose.simulate.yml")).into_iter();
    all.extend(more.filter(|service| service.name == "simulate"));
    assert_eq!(all.len(), 4);
    all
}

/// Ports that another machine could reach.
fn published_wide(service: &Service) -> Vec<String> {
    let ports = service.get("ports").as_vec().cloned().unwrap_or_default();
    ports
        .iter()
        .filter(|port| {
            !port
                .as_str()
                .is_some_and(|port| port.starts_with("127.0.0.1:"))
        })
        .map(|port| format!("{}: {port:?}", service.name))
        .collect()
}

#[test]
fn ports_are_published_on_this_machine_alone() {
    for service in all() {
        assert_eq!(published_wide(&service), Vec::<String>::new());
        assert!(
            service.get("network_mode").as_str() != Some("host"),
            "{}",
            service.name
        );
    }
    let planted = "services: { a: { ports: ['5432:5432', '127.0.0.1:1:1', 80] } }";
    assert_eq!(published_wide(&services(planted)[0]).len(), 2);
}

/// What is wrong with the restrictions of a service.
fn gaps(service: &Service) -> Vec<&'static str> {
    let mut gaps = vec![];
    let mut need = |is_there: bool, what| {
        if !is_there {
            gaps.push(what);
        }
    };
    need(service.list("cap_drop") == ["ALL"], "cap_drop");
    need(
        service
            .list("security_opt")
            .contains(&"no-new-privileges:true"),
        "no-new-privileges",
    );
    need(
        service.get("read_only").as_bool() == Some(true),
        "read_only",
    );
    need(service.get("privileged").is_badvalue(), "privileged");
    need(
        service
            .get("pids_limit")
            .as_i64()
            .is_some_and(|limit| limit > 0),
        "pids_limit",
    );
    need(service.get("mem_limit").as_str().is_some(), "mem_limit");
    need(service.get("ulimits")["core"].as_i64() == Some(0), "core");
    need(
        !service.get("logging")["options"]["max-size"].is_badvalue(),
        "log rotation",
    );
    need(!service.get("restart").is_badvalue(), "restart");
    // It ends at once by itself: nothing must stop it, and it writes only to its volume.
    if service.name != "password" {
        need(service.list("tmpfs").contains(&"/tmp"), "tmpfs");
        need(
            service.get("restart").as_str() == Some("unless-stopped"),
            "restart",
        );
    }
    if matches!(service.name.as_str(), "postgres" | "pipeline-tui") {
        need(
            !service.get("stop_grace_period").is_badvalue(),
            "stop_grace_period",
        );
    }
    if service.get("image").is_badvalue() {
        need(service.get("init").as_bool() == Some(true), "init");
        need(service.list("cap_add").is_empty(), "cap_add");
    }
    gaps
}

#[test]
fn every_service_is_fenced_in() {
    for service in all() {
        assert_eq!(gaps(&service), Vec::<&str>::new(), "{}", service.name);
    }
    let planted = "services: { a: { image: x, privileged: true, cap_drop: [NET_RAW] } }";
    assert!(gaps(&services(planted)[0]).len() > 8);
}

#[test]
fn what_is_given_back_to_a_service_is_what_its_image_needs() {
    let allowed = |name: &str| match name {
        "password" => vec!["CHOWN"],
        "postgres" => vec!["CHOWN", "DAC_READ_SEARCH", "FOWNER", "SETGID", "SETUID"],
        _ => vec![],
    };
    for service in all() {
        assert_eq!(
            service.list("cap_add"),
            allowed(&service.name),
            "{}",
            service.name
        );
    }
}

#[test]
fn no_password_stands_in_a_file_and_none_has_a_default() {
    for service in all() {
        for (name, value) in service.get("environment").as_hash().into_iter().flatten() {
            let (name, value) = (name.as_str().unwrap(), value.as_str().unwrap_or_default());
            let is_secret = ["PASSWORD", "KEY", "TOKEN", "SECRET"]
                .iter()
                .any(|word| name.contains(word));
            // A path, or a variable of the caller that is empty if unset.
            let is_fine = name.ends_with("_FILE") || value == format!("${{{name}:-}}");
            assert!(!is_secret || is_fine, "{}: {name}: {value}", service.name);
        }
    }
    let postgres = all()
        .into_iter()
        .find(|service| service.name == "postgres")
        .unwrap();
    let arguments = postgres.get("environment")["POSTGRES_INITDB_ARGS"]
        .as_str()
        .unwrap();
    assert!(
        arguments.contains("--auth-host=scram-sha-256"),
        "{arguments}"
    );
    assert!(arguments.contains("--data-checksums"), "{arguments}");
    let check = postgres.get("healthcheck")["test"][1].as_str().unwrap();
    assert!(check.contains(r#"-U "$$POSTGRES_USER""#), "{check}");
}

#[test]
fn the_random_password_has_32_bytes_and_is_made_where_no_network_is() {
    let password = all()
        .into_iter()
        .find(|service| service.name == "password")
        .unwrap();
    let script = password.list("command")[0];
    for part in [
        "umask 077",
        "head -c 32 /dev/urandom",
        "chmod 0440",
        "mv -f",
    ] {
        assert!(script.contains(part), "{part}");
    }
    assert_eq!(password.get("network_mode").as_str(), Some("none"));
}

#[test]
fn both_composes_read_the_files() {
    for file in ["docker-compose.yml", "docker-compose.simulate.yml"] {
        let text = text(file);
        for key in ["\nversion:", "env_file:", "secrets:", "tty:", "docker.sock"] {
            assert!(!text.contains(key), "{file}: {key}");
        }
    }
}
