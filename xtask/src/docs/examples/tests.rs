//! What the pages tell a person to write is read here by what reads it there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tieline::core::parameters::Given;
use tieline::{Configuration, Parameters, ProviderSetup, Registry, Secret};

use super::*;
use crate::docs::invented;

fn providers() -> Vec<&'static dyn ProviderSetup> {
    let (linked, invented) = (Registry::discover().unwrap(), invented::registry());
    linked.iter().chain(invented.iter()).collect()
}

/// The three ways, as their readers see them.
fn ways(descriptor: &ProviderDescriptor) -> [(Configuration, Given); 3] {
    let toml = toml(descriptor);
    let file = Configuration::from_parts(Some((Path::new("tieline.toml"), &toml)), []).unwrap();
    let exports = environment(descriptor);
    let variables = exports.lines().map(|line| {
        let words = words(line);
        let [export, assignment] = words.as_slice() else {
            panic!("{line} is not one assignment");
        };
        assert_eq!(export, "export");
        let (name, value) = assignment.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    });
    let environment = Configuration::from_parts(None, variables).unwrap();
    let object: BTreeMap<String, String> = serde_json::from_str(&json(descriptor)).unwrap();
    let given = object
        .into_iter()
        .map(|(key, value)| (key, Secret::new(value)))
        .collect();
    [
        (file, Given::new()),
        (environment, Given::new()),
        (Configuration::default(), given),
    ]
}

/// A line as a shell splits it: quotes hold spaces, and a backslash outside of them takes the next character as it is.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut is_quoted) = (vec![String::new()], false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        let word = words.last_mut().unwrap();
        match c {
            '\'' => is_quoted = !is_quoted,
            '\\' if !is_quoted => word.push(chars.next().unwrap()),
            ' ' if !is_quoted => words.push(String::new()),
            c => word.push(c),
        }
    }
    assert!(!is_quoted, "{line}");
    words
}

const UNSEEN: &str = "typed unseen";

/// What the command gives, and what is typed unseen where it asks.
fn given_by(command: &str, descriptor: &ProviderDescriptor) -> Given {
    let words = words(command);
    let (start, options) = words.split_at(3);
    assert_eq!(start, ["tieline", "connect", descriptor.id]);
    let mut given = Given::new();
    for option in options.chunks(2) {
        let [name, assignment] = option else {
            panic!("{command} ends with {option:?}");
        };
        let (key, value) = assignment.split_once('=').unwrap();
        assert_eq!(name, "--set", "{command}");
        let before = given.insert(key.to_owned(), Secret::from(value));
        assert!(before.is_none(), "{command}");
    }
    for mapping in descriptor.end_user_parameters() {
        if mapping.secret && is_needed(mapping) {
            let before = given.insert(mapping.parameter.to_string(), Secret::from(UNSEEN));
            assert!(before.is_none(), "{command}");
        }
    }
    given
}

fn check_connecting(descriptor: &ProviderDescriptor, parameters: impl Fn() -> Parameters) {
    let command = connect(descriptor, "");
    let given = given_by(&command, descriptor);
    let needed: BTreeSet<_> = descriptor
        .end_user_parameters()
        .filter(|mapping| is_needed(mapping))
        .map(|mapping| mapping.parameter.to_string())
        .collect();
    assert!(given.keys().eq(&needed), "{command}");
    let connected = parameters().with_end_user(&given).unwrap();
    for mapping in descriptor.end_user_parameters() {
        if let Some(value) = given.get(mapping.parameter.as_str()) {
            assert_eq!(connected.get(mapping.parameter), Some(value.expose()));
            assert_eq!(mapping.secret, value.expose() == UNSEEN);
        }
    }
    for key in needed {
        let mut given = given_by(&command, descriptor);
        given.remove(&key);
        let problems = parameters().with_end_user(&given).unwrap_err();
        assert_eq!(problems.0.len(), 1, "{problems}");
        assert_eq!(problems.0[0].parameter, key);
    }
}

#[test]
fn every_way_to_give_parameters_works_as_written() {
    for provider in providers() {
        let descriptor = provider.descriptor();
        for (configuration, given) in ways(descriptor) {
            let parameters = || configuration.resolve(provider, &given).unwrap();
            for (mapping, value) in of_app(descriptor) {
                assert_eq!(
                    parameters().get(mapping.parameter),
                    Some(value.as_str()),
                    "{}",
                    descriptor.id
                );
            }
            check_connecting(descriptor, parameters);
        }
    }
}

#[test]
fn what_is_no_secret_of_an_account_may_stand_in_the_file() {
    for provider in providers() {
        let descriptor = provider.descriptor();
        let (secret, open): (Vec<_>, Vec<_>) = of_account(descriptor)
            .into_iter()
            .partition(|(mapping, _)| mapping.secret);
        let mut toml = toml(descriptor);
        for (mapping, value) in open {
            toml += &format!(
                "{} = {}\n",
                quoted(mapping.parameter.as_str()),
                quoted(&value)
            );
        }
        let file = Configuration::from_parts(Some((Path::new("tieline.toml"), &toml)), []).unwrap();
        let given = secret
            .into_iter()
            .map(|(mapping, value)| (mapping.parameter.to_string(), Secret::new(value)));
        let parameters = file.resolve(provider, &Given::new()).unwrap();
        parameters.with_end_user(&given.collect()).unwrap();
    }
}

#[test]
fn commands_hold_what_the_account_needs() {
    let commands: Vec<_> = invented::registry()
        .iter()
        .map(|provider| connect(provider.descriptor(), ""))
        .collect();
    assert_eq!(
        commands,
        [
            "tieline connect acme-desk --set subdomain=acme",
            "tieline connect acme-robots",
            "tieline connect acme-shops --set acme.shop=acme",
            "tieline connect acme-tv",
            "tieline connect acme-vault --set username='your Sign-in name'",
        ]
    );
    assert_eq!(
        connect(&invented::SHOPS, " --device"),
        "tieline connect acme-shops --device --set acme.shop=acme"
    );
    assert_eq!(word("it's"), r"'it'\''s'");
}
