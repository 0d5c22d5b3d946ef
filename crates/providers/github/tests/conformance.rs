//! The conformance kit's promises, for GitHub.

tieline_testkit::conformance!(tieline_github::Github);
