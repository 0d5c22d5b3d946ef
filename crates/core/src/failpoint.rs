//! Places where a fault harness may end or stop the process, or make it break a rule on purpose.
//!
//! Without the feature `failpoints`, which no release has, all of this is nothing.

/// Whatever the harness wants to happen here: see the feature `failpoints`.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn hit(_name: &str) {}

/// Whether this rule is to be broken, to see that the harness notices.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn is_sabotaged(_rule: &str) -> bool {
    false
}

/// How long something is to take: as it is, unless the harness shortens it.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn shortened(_name: &str, time: std::time::Duration) -> std::time::Duration {
    time
}

#[cfg(feature = "failpoints")]
pub use armed::{hit, is_sabotaged, shortened};

#[cfg(feature = "failpoints")]
mod armed {
    use std::process::Command;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    /// `TIELINE_FAILPOINT=name:action:n`, such as `before-commit:kill:3`: at the third time.
    struct Plan {
        name: String,
        action: String,
        at: u64,
        hits: AtomicU64,
    }

    /// Ends the process with SIGKILL (`kill`), or stops it with SIGSTOP (`stop`), where the plan says so.
    pub fn hit(name: &str) {
        let Some(plan) = plan() else { return };
        if plan.name != name || plan.hits.fetch_add(1, Ordering::SeqCst) + 1 != plan.at {
            return;
        }
        let signal = if plan.action == "stop" {
            "STOP"
        } else {
            "KILL"
        };
        // The shell's own kill: there is one on every machine, and it is the real signal.
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -{signal} $PPID")])
            .status();
        assert!(sent.is_ok(), "a process that should end goes on");
        if signal == "KILL" {
            loop {
                std::thread::park();
            }
        }
    }

    /// `TIELINE_SABOTAGE=rule`.
    pub fn is_sabotaged(rule: &str) -> bool {
        static RULE: OnceLock<Option<String>> = OnceLock::new();
        RULE.get_or_init(|| variable("TIELINE_SABOTAGE")).as_deref() == Some(rule)
    }

    /// `TIELINE_SHORTENED=name:milliseconds,…`.
    pub fn shortened(name: &str, time: Duration) -> Duration {
        static PLAN: OnceLock<Vec<(String, u64)>> = OnceLock::new();
        let plan = PLAN.get_or_init(|| {
            let text = variable("TIELINE_SHORTENED").unwrap_or_default();
            let times = text.split(',').filter_map(|time| {
                let (name, milliseconds) = time.split_once(':')?;
                Some((name.to_owned(), milliseconds.parse().ok()?))
            });
            times.collect()
        });
        let found = plan.iter().find(|(shortened, _)| shortened == name);
        found.map_or(time, |(_, milliseconds)| {
            Duration::from_millis(*milliseconds)
        })
    }

    fn plan() -> Option<&'static Plan> {
        static PLAN: OnceLock<Option<Plan>> = OnceLock::new();
        PLAN.get_or_init(|| {
            let text = variable("TIELINE_FAILPOINT")?;
            let mut parts = text.split(':');
            Some(Plan {
                name: parts.next()?.to_owned(),
                action: parts.next()?.to_owned(),
                at: parts.next()?.parse().ok()?,
                hits: AtomicU64::new(0),
            })
        })
        .as_ref()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the harness speaks to the process that it is to end"
    )]
    fn variable(name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}
