//! The conformance kit's promises, for QuickBooks Online.

tieline_testkit::conformance!(tieline_quickbooks::Quickbooks);
