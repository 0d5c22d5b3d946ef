//! The conformance kit's promises, for Freshdesk.

tieline_testkit::conformance!(tieline_freshdesk::Freshdesk);
