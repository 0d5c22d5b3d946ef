//! How far the windows of the provider's rate limits are used, drawn as SVG.

use tieline_core::InstanceId;
use tieline_core::words::{number, window};
use tieline_engine::LimitUse;

/// One window.
pub(super) struct Gauge {
    /// `per minute, all accounts of the app`.
    pub(super) what: String,
    pub(super) used: String,
    pub(super) most: String,
    /// The used part, in thousandths of the width.
    pub(super) part: u32,
    /// `good`, `busy` or `bad`.
    pub(super) tone: &'static str,
}

/// Those that count for an instance.
pub(super) fn gauges(limits: &[LimitUse], of: InstanceId) -> Vec<Gauge> {
    let own = limits
        .iter()
        .filter(|limit| limit.instance.is_none_or(|instance| instance == of));
    own.flat_map(|limit| {
        let whose = match (limit.instance, &limit.path) {
            (None, _) => "all accounts of the app".to_owned(),
            (Some(_), None) => "this account".to_owned(),
            (Some(_), Some(path)) => format!("this account, {path}"),
        };
        limit.windows.iter().map(move |stands| {
            let used = match stands.left {
                Some(left) => stands.used.max(stands.calls.saturating_sub(left)),
                None => stands.used,
            };
            let part = u64::from(used.min(stands.calls)) * 1_000 / u64::from(stands.calls.max(1));
            Gauge {
                what: format!("per {}, {whose}", window(stands.per)),
                used: number(used),
                most: number(stands.calls),
                part: u32::try_from(part).unwrap_or(1_000),
                tone: match part {
                    0..600 => "good",
                    600..900 => "busy",
                    _ => "bad",
                },
            }
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tieline_engine::WindowUse;

    use super::*;

    #[test]
    fn a_gauge_shows_what_is_used_and_what_the_provider_says_is_left() {
        let limit = |used, left| LimitUse {
            instance: None,
            path: None,
            windows: vec![WindowUse {
                calls: 1_500,
                per: Duration::from_secs(60),
                used,
                left,
            }],
            paused_until: None,
            under_way: 0,
            waiting: 0,
        };
        let shown = |used, left| {
            let gauge = gauges(&[limit(used, left)], InstanceId(1)).remove(0);
            format!(
                "{} of {} {} {} {}",
                gauge.used, gauge.most, gauge.what, gauge.part, gauge.tone
            )
        };
        let what = "per minute, all accounts of the app";
        assert_eq!(shown(15, None), format!("15 of 1,500 {what} 10 good"));
        assert_eq!(
            shown(15, Some(300)),
            format!("1,200 of 1,500 {what} 800 busy")
        );
        assert_eq!(
            shown(2_000, Some(0)),
            format!("2,000 of 1,500 {what} 1000 bad")
        );
    }
}
