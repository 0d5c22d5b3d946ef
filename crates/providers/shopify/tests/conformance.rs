//! The conformance kit's promises, for Shopify.

tieline_testkit::conformance!(tieline_shopify::Shopify);
