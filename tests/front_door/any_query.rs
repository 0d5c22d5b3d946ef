//! Whatever stands in the query of a callback: no panic, a page that says no, nothing stored.

use fastrand::Rng;

use crate::outside::parameter;
use crate::scene::Scene;

const NAMES: [&str; 10] = [
    "code",
    "state",
    "iss",
    "error",
    "access_token",
    "response",
    "scope",
    "",
    "%00",
    "st%61te",
];

fn value(random: &mut Rng, state: &str) -> String {
    match random.u8(..6) {
        0 => state[..random.usize(..state.len())].to_owned(),
        1 => String::new(),
        2 => "%".repeat(random.usize(..4)),
        3 => "%ff%fe%00".to_owned(),
        4 => "a".repeat(random.usize(..3_000)),
        _ => (0..random.usize(..30))
            .map(|_| random.char('!'..'~'))
            .filter(|c| *c != '#')
            .collect(),
    }
}

fn query(random: &mut Rng, state: &str) -> String {
    let pairs = (0..random.usize(..6)).map(|_| {
        let name = NAMES[random.usize(..NAMES.len())];
        let equals = if random.bool() { "=" } else { "" };
        format!("{name}{equals}{}", value(random, state))
    });
    pairs.collect::<Vec<_>>().join("&")
}

#[expect(clippy::print_stdout, reason = "a failed test tells its seed")]
#[tokio::test]
async fn no_query_but_the_right_one_goes_anywhere() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    let scene = Scene::new().await;
    let begun = scene.begin("ada").await;
    let callback = scene.sandbox.consent(&begun.url).await.unwrap();
    let state = parameter(&callback, "state").unwrap();
    for _ in 0..400 {
        let query = query(&mut random, &state);
        let answer = scene.open(&scene.callback(&query)).await;
        assert!(
            answer.is_a_refusing_page(),
            "seed {seed}: {query}: {answer:?}"
        );
        assert!(
            !answer.headers.contains_key("location"),
            "seed {seed}: {query}: {answer:?}"
        );
    }
    scene.nothing_came_of_it().await;
    let ticket = scene.open(&callback).await.ticket();
    assert_eq!(
        scene.host.confirm(begun.id, &ticket, "ada").await.status,
        200,
        "seed {seed}"
    );
}
