//! What others run for us: the service unit, and the queries of the dashboard.

use std::path::Path;
use std::process::Command;

use crate::support::cluster;
use crate::support::program::Desk;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn systemd_understands_every_line_of_the_unit() {
    let Some(analyze) = cluster::find("systemd-analyze") else {
        return cluster::notice("skipped: systemd-analyze is not installed");
    };
    let folder = tempfile::tempdir().unwrap();
    let verify = |unit: &str| {
        let path = folder.path().join("pipeline-tui.service");
        std::fs::write(&path, unit).unwrap();
        let done = Command::new(&analyze)
            .args(["verify", "--man=no", path.to_str().unwrap()])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        (done.status.success(), said)
    };
    // The program need not be installed here.
    let unit =
        read("contrib/systemd/pipeline-tui.service").replace("/usr/bin/pipeline-tui", "/bin/true");
    assert!(unit.contains("ExecStart=/bin/true run"));
    let (is_good, said) = verify(&unit);
    assert!(is_good && !said.contains("pipeline-tui.service:"), "{said}");
    let (_, said) = verify(&unit.replace("WatchdogSec=", "WatchDogSeconds="));
    assert!(said.contains("WatchDogSeconds"), "{said}");
}

#[test]
fn every_query_of_the_dashboard_is_answered() {
    let Some(url) = cluster::new_database() else {
        return;
    };
    let desk = Desk::new().with("DATABASE_URL", &url);
    assert_eq!(desk.run(&["runs"]).code, 0);
    let dashboard: serde_json::Value =
        serde_json::from_str(&read("contrib/grafana/pipeline-tui.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.len() > 5);
    for panel in panels {
        let sql = panel["targets"][0]["rawSql"].as_str().unwrap();
        let sql = sql
            .replace("$__timeFrom()", "'2026-01-01T00:00:00Z'")
            .replace("$__timeTo()", "'2026-12-31T00:00:00Z'");
        assert!(!sql.contains("$__"), "{sql}");
        cluster::psql(&url, &sql);
    }
}

/// Each line of the manifest is YAML, and the service that it describes is ours.
#[test]
fn the_kubernetes_manifest_names_commands_and_paths_that_exist() {
    let manifest = read("contrib/kubernetes/pipeline-tui.yaml");
    let documents = yaml_rust2::YamlLoader::load_from_str(&manifest).unwrap();
    let pod = &documents[0]["spec"]["template"]["spec"];
    let engine = &pod["containers"][0];
    let arguments: Vec<&str> = engine["args"]
        .as_vec()
        .unwrap()
        .iter()
        .map(|argument| argument.as_str().unwrap())
        .collect();
    let help = Desk::new()
        .run(&[&arguments[..1], &["--help"]].concat())
        .stdout;
    for flag in arguments
        .iter()
        .filter(|argument| argument.starts_with("--"))
    {
        assert!(help.contains(flag), "{flag}: {help}");
    }
    assert_eq!(
        engine["readinessProbe"]["httpGet"]["path"].as_str(),
        Some("/health")
    );
    let image = read("Dockerfile");
    for mount in engine["volumeMounts"].as_vec().unwrap() {
        let path = mount["mountPath"].as_str().unwrap();
        assert!(image.contains(path), "{path}");
    }
    assert!(image.contains("USER 10001:10001"));
}
