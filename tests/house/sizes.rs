//! A provider is an hour's work, and stays one.

/// Guide included, in default formatting.
const LINES_OF_A_PROVIDER: usize = 175;

#[test]
fn a_provider_is_one_short_file_and_its_tests_one_line() {
    for folder in super::providers() {
        let files = super::rust_files(&folder.join("src"));
        let lines: usize = files
            .iter()
            .map(|file| std::fs::read_to_string(file).unwrap().lines().count())
            .sum();
        assert!(
            lines <= LINES_OF_A_PROVIDER,
            "{} has {lines} lines",
            folder.display()
        );
        let tests = std::fs::read_to_string(folder.join("tests/conformance.rs")).unwrap();
        let code = tests
            .lines()
            .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//"));
        assert_eq!(
            code.count(),
            1,
            "{}: its tests are the conformance kit's",
            folder.display()
        );
    }
}
