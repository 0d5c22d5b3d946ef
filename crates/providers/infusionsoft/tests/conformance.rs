//! The conformance kit's promises, for Infusionsoft.

tieline_testkit::conformance!(tieline_infusionsoft::Infusionsoft);
