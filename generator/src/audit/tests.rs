use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;

use bytesize::ByteSize;

use super::*;

fn line(reason: impl ToString) -> Line {
    let attempt = Attempt {
        reason: Some(reason.to_string()),
        ..Attempt::of(Action::Publish)
    };
    attempt.succeeded()
}

fn small(bytes: u64, keep: usize) -> Rotation {
    Rotation {
        max_size: ByteSize::b(bytes),
        keep,
        ..Rotation::default()
    }
}

fn rest(reader: &mut Reader) -> Vec<Line> {
    let next = || reader.next_line().unwrap();
    let parse = |text: Vec<u8>| serde_json::from_slice(&text).unwrap();
    std::iter::from_fn(next).map(parse).collect()
}

fn names(state: &Path) -> Vec<String> {
    let entries = state.read_dir().unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<_> = entries
        .map(|entry| name(entry).into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_line_is_read_as_it_was_written() {
    let item = "@team/features/auth".parse().unwrap();
    let change = Change::Yank {
        version: "1.0.0".parse().unwrap(),
        reason: "\n\"".repeat(REASON_MAX),
    };
    let attempt = Attempt {
        request_id: Some("1".into()),
        client: Some("::1".parse().unwrap()),
        by: Some(By::named("ci")),
        ..Attempt::of(Action::from(&change)).about(&item, &change)
    };
    for line in [
        attempt.clone().succeeded(),
        attempt.refused(ErrorCode::NotFound, "ä".repeat(REASON_MAX)),
        Attempt::of(Action::TokenRotate).succeeded(),
    ] {
        let text = line.to_text().unwrap();
        assert_eq!(text.find('\n'), Some(text.len() - 1));
        assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line);
    }
    let later = r#"{"time":"2026-11-28T09:00:00Z","action":"publish","item":"@team","outcome":"TEAPOT","more":1}"#;
    assert_eq!(
        serde_json::from_str::<Line>(later)
            .unwrap()
            .outcome
            .as_str(),
        "TEAPOT"
    );
}

#[test]
fn an_action_is_called_the_same_everywhere() {
    use clap::ValueEnum;
    for action in Action::value_variants() {
        let name = action.to_possible_value().unwrap();
        assert_eq!(name.get_name(), action.as_str());
        assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
    }
}

#[test]
fn a_torn_end_is_nobodys_line() {
    let state = tempfile::tempdir().unwrap();
    let log = Log::of(state.path(), Rotation::default());
    let mut reader = log.reader();
    assert_eq!(reader.next_line().unwrap(), None);
    log.append(&[line(1)]).unwrap();
    let path = state.path().join("audit.jsonl");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, [&whole[..], b"{\"time\":\"20"].concat()).unwrap();
    assert_eq!(rest(&mut reader).len(), 1);
    log.append(&[line(2)]).unwrap();
    assert_eq!(rest(&mut reader).len(), 1);
    assert_eq!(rest(&mut log.reader()).len(), 2);
}

#[test]
fn what_stands_there_is_not_written_again() {
    let state = tempfile::tempdir().unwrap();
    let log = Log::of(state.path(), small(1, 9));
    let lines = [line(1), line(2), line(3)];
    // Each in a file of its own.
    log.append(&lines[..1]).unwrap();
    log.append(&lines[1..2]).unwrap();
    log.complete(&lines).unwrap();
    log.complete(&lines).unwrap();
    assert_eq!(rest(&mut log.reader()), lines);
}

#[test]
fn so_many_files_stay_and_a_follower_reads_them_all() {
    let state = tempfile::tempdir().unwrap();
    let log = Log::of(state.path(), small(300, 3));
    let mut reader = log.reader();
    let mut seen = Vec::new();
    for number in 0..40 {
        log.append(&[line(number)]).unwrap();
        if number % 5 == 0 {
            seen.extend(rest(&mut reader));
        }
    }
    seen.extend(rest(&mut reader));
    let reasons = |lines: &[Line]| -> Vec<String> {
        let reason = |line: &Line| line.attempt.reason.clone();
        lines.iter().filter_map(reason).collect()
    };
    let all: Vec<String> = (0..40).map(|number| number.to_string()).collect();
    assert_eq!(reasons(&seen), all);
    assert_eq!(names(state.path()).len(), 4);
    let kept = reasons(&rest(&mut log.reader()));
    assert!(!kept.is_empty() && all.ends_with(&kept), "{kept:?}");
}

#[test]
fn a_file_that_is_old_gets_no_more_lines() {
    let state = tempfile::tempdir().unwrap();
    let log = Log::of(state.path(), Rotation::default());
    let mut old = line("old");
    old.time = Timestamp::now() - jiff::SignedDuration::from_hours(24 * 31);
    log.append(&[old]).unwrap();
    log.append(&[line("new")]).unwrap();
    log.append(&[line("newer")]).unwrap();
    let names = names(state.path());
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(rest(&mut log.reader()).len(), 3);
}

#[test]
fn writers_take_turns() {
    let state = tempfile::tempdir().unwrap();
    let log = Log::of(state.path(), small(4096, 1000));
    thread::scope(|scope| {
        for writer in 0..4 {
            let log = &log;
            scope.spawn(move || {
                for number in 0..100 {
                    let text = format!("{writer}.{number}");
                    log.append(&[line(&text), line(text)]).unwrap();
                }
            });
        }
    });
    assert_eq!(rest(&mut log.reader()).len(), 800);
}
