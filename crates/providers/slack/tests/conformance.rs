//! The conformance kit's promises, for Slack.

tieline_testkit::conformance!(tieline_slack::Slack);
