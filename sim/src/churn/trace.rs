//! Recorded churn: a text file of lines `node,start_s,end_s[,permanent]`.
//!
//! Nodes are numbered from 0, times are seconds from the start of the run, and `permanent` is `true`
//! if the node leaves for good when the session ends. A first line that names the columns is skipped.

use std::{collections::BTreeMap, time::Duration};

/// One session of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Which node.
    pub node: usize,
    /// When it comes online.
    pub start: Duration,
    /// When it goes offline.
    pub end: Duration,
    /// True if it never comes back and its disk is gone.
    pub permanent: bool,
}

/// Why a trace cannot be used; lines are counted from 1.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TraceError {
    /// A line is not of the right shape.
    #[error("line {line}: {why}: {text}")]
    Line {
        /// Which line.
        line: usize,
        /// What is wrong with it.
        why: &'static str,
        /// The line.
        text: String,
    },
    /// A node has a number that the plan does not have.
    #[error("line {line}: node {node} is outside 0..{nodes}")]
    Node {
        /// Which line.
        line: usize,
        /// Which node.
        node: usize,
        /// Nodes of the plan.
        nodes: usize,
    },
    /// A node would be online twice at once.
    #[error(
        "node {node} has overlapping sessions: line {first_line} ({first_start} s to {first_end} s) and \
         line {second_line} ({second_start} s to {second_end} s)"
    )]
    Overlap {
        /// Which node.
        node: usize,
        /// Line of the earlier session.
        first_line: usize,
        /// Its start, seconds.
        first_start: f64,
        /// Its end, seconds.
        first_end: f64,
        /// Line of the later session.
        second_line: usize,
        /// Its start, seconds.
        second_start: f64,
        /// Its end, seconds.
        second_end: f64,
    },
    /// A node comes back after it left for good.
    #[error("line {line}: node {node} left for good at the end of line {departed_line}")]
    AfterDeparture {
        /// Which line.
        line: usize,
        /// Which node.
        node: usize,
        /// The line that says so.
        departed_line: usize,
    },
    /// No sessions at all.
    #[error("there are no sessions")]
    Empty,
}

/// Reads a trace for a plan of `nodes` nodes; the sessions come back in order of node and time.
///
/// # Errors
/// [`TraceError`] naming the first line that cannot be used.
pub fn parse(text: &str, nodes: usize) -> Result<Vec<Session>, TraceError> {
    let mut by_node: BTreeMap<usize, Vec<(usize, Session)>> = BTreeMap::new();
    for (index, text) in text.lines().enumerate() {
        let (line, text) = (index + 1, text.trim());
        if text.is_empty() || (line == 1 && text.starts_with("node,")) {
            continue;
        }
        let session = parse_line(text).map_err(|why| TraceError::Line { line, why, text: text.into() })?;
        if session.node >= nodes {
            return Err(TraceError::Node { line, node: session.node, nodes });
        }
        by_node.entry(session.node).or_default().push((line, session));
    }
    for sessions in by_node.values_mut() {
        sessions.sort_by_key(|(line, session)| (session.start, *line));
        for pair in sessions.windows(2) {
            check_order(pair[0], pair[1])?;
        }
    }
    let sessions: Vec<Session> = by_node.into_values().flatten().map(|(_, session)| session).collect();
    if sessions.is_empty() { Err(TraceError::Empty) } else { Ok(sessions) }
}

fn check_order(first: (usize, Session), second: (usize, Session)) -> Result<(), TraceError> {
    let ((first_line, first), (second_line, second)) = (first, second);
    let node = first.node;
    if first.permanent && second.start >= first.end {
        return Err(TraceError::AfterDeparture { line: second_line, node, departed_line: first_line });
    }
    if second.start < first.end {
        return Err(TraceError::Overlap {
            node,
            first_line,
            first_start: first.start.as_secs_f64(),
            first_end: first.end.as_secs_f64(),
            second_line,
            second_start: second.start.as_secs_f64(),
            second_end: second.end.as_secs_f64(),
        });
    }
    Ok(())
}

fn parse_line(text: &str) -> Result<Session, &'static str> {
    let fields: Vec<&str> = text.split(',').map(str::trim).collect();
    let (node, start, end, permanent) = match fields[..] {
        [node, start, end] => (node, start, end, "false"),
        [node, start, end, permanent] => (node, start, end, permanent),
        _ => return Err("expected node,start_s,end_s[,permanent]"),
    };
    let seconds =
        |text: &str| text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let session = Session {
        node: node.parse().map_err(|_| "node must be a whole number")?,
        start: seconds(start).ok_or("start_s must be a number of seconds")?,
        end: seconds(end).ok_or("end_s must be a number of seconds")?,
        permanent: match permanent {
            "true" | "1" => true,
            "false" | "0" | "" => false,
            _ => return Err("permanent must be true or false"),
        },
    };
    if session.end <= session.start {
        return Err("end_s must lie after start_s");
    }
    Ok(session)
}
