//! `corso doctor graph`

use graph_sim::{AppConfig, Faults, SimConfig};

use super::cloud::{Cloud, tenant};

fn with_roles(roles: &[&str]) -> Cloud {
    let app =
        AppConfig { roles: roles.iter().map(|role| (*role).to_owned()).collect(), ..AppConfig::default() };
    Cloud::with(SimConfig { tenant: tenant(1, 5), app, ..SimConfig::default() })
}

#[test]
fn a_good_set_up_is_told() {
    let cloud = with_roles(&["Files.Read.All", "User.Read.All"]);
    let (lines, errors) = cloud.json(&["doctor", "graph"], 0);
    let summary = lines.last().unwrap();
    assert_eq!((&summary["missing"], &summary["superfluous"]), (&0.into(), &0.into()));
    assert!(summary["skew_ms"].as_i64().unwrap().abs() < 10_000 && errors.is_empty());
    assert!(summary["budgets"].as_array().unwrap().iter().any(|budget| budget["units_spent"] == 1));
}

#[test]
fn what_was_spent_today_is_kept_between_runs() {
    let cloud = Cloud::new(tenant(1, 30), Faults::default());
    let files = |cloud: &Cloud| {
        let (lines, _) = cloud.json(&["doctor", "graph"], 0);
        let budgets = lines.last().unwrap()["budgets"].as_array().unwrap().clone();
        budgets.into_iter().find(|budget| budget["name"] == "files").unwrap()
    };
    let before = files(&cloud);
    assert_eq!((&before["spent_today"], &before["units_spent"]), (&0.into(), &0.into()));
    assert!(before["units_per_minute"].as_u64().unwrap() > 0);
    let summary = cloud.back_up(&["--user", "*"], 0);
    // One unit is the directory's: the list of users.
    let spent = summary["units"].as_u64().unwrap() - 1;
    let after = files(&cloud)["spent_today"].as_u64().unwrap();
    assert!(after.abs_diff(spent) <= 1 && after > 20, "{after} of {spent} (midnight apart)");
    let told = String::from_utf8(cloud.corso(&["doctor", "graph"]).output().unwrap().stdout).unwrap();
    assert!(told.contains(&format!("{after} spent today by this machine")), "{told}");
}

#[test]
fn what_is_missing_or_too_much_is_named() {
    let cloud = with_roles(&["Files.Read.All", "Mail.Read"]);
    let (lines, _) = cloud.json(&["doctor", "graph"], 20);
    let verdict = |name: &str| lines.iter().find(|line| line["name"] == name).unwrap()["verdict"].clone();
    assert_eq!((verdict("User.Read.All"), verdict("Mail.Read")), ("missing".into(), "superfluous".into()));
    let (lines, _) = cloud.json(&["doctor", "graph", "--purpose", "restore"], 20);
    assert_eq!(lines.last().unwrap()["missing"], 2);
}

#[test]
fn settings_that_are_missing_or_wrong_are_told() {
    let cloud = Cloud::new(tenant(1, 5), Faults::default());
    let told = |change: &dyn Fn(&mut assert_cmd::Command), code: i32| {
        let mut command = cloud.corso(&["doctor", "graph"]);
        change(&mut command);
        let output = command.output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{told}");
        told
    };
    assert!(told(&|it| _ = it.env_remove("AZURE_TENANT_ID"), 2).contains("AZURE_TENANT_ID"));
    assert!(told(&|it| _ = it.env_remove("AZURE_CLIENT_SECRET"), 2).contains("AZURE_CLIENT_SECRET"));
    assert!(told(&|it| _ = it.args(["--client-secret-file", "nowhere"]), 1).contains("nowhere"));
    let two = ["--client-secret-file", "a", "--federated-token-file", "b"];
    assert!(told(&|it| _ = it.args(two), 2).contains("both"));
    assert!(told(&|it| _ = it.args(["--tenant-id", "no-such-tenant"]), 20).contains("AADSTS"));
    cloud.place.write("secret", b"sim-secret\n");
    let mut typed = cloud.corso(&["doctor", "graph", "--client-secret-file", "secret"]);
    typed.env("AZURE_CLIENT_SECRET", "wrong").assert().success();
}
