//! Builds the other clients: those in Rust always, those in other languages where their tools are.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::kafka;
use crate::{Result, rival};

/// Builds everything and says in which folder the programs are. A client that cannot be built has no program there.
pub(super) fn build() -> Result<PathBuf> {
    let folder = rival::build_clients()?;
    for (name, build) in [("franz-go", build_go as fn(&Path) -> Result<()>), ("java", build_java)] {
        if let Err(why) = build(&folder) {
            println!("without {name}: {why}");
        }
    }
    Ok(folder)
}

fn build_go(folder: &Path) -> Result<()> {
    let program = folder.join("franz-go-client");
    let mut command = Command::new("go");
    command.args(["build", "-o"]).arg(program).arg(".").current_dir(source("franz-go"));
    run(command)
}

/// The classes, and a script that runs them, so that it is a program like the others.
fn build_java(folder: &Path) -> Result<()> {
    let (jars, classes) = (kafka::jars()?, folder.join("java-classes"));
    let mut command = Command::new("javac");
    command.args(["-cp", &jars, "-d"]).arg(&classes);
    command.arg(source("java").join("Contestant.java"));
    run(command)?;
    let script = format!(
        "#!/bin/sh\nexec java -Xmx1g -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp '{}:{jars}' Contestant \"$@\"\n",
        classes.display()
    );
    let program = folder.join("java-client");
    fs::write(&program, script)?;
    Ok(fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?)
}

fn run(mut command: Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{command:?}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name)
}
