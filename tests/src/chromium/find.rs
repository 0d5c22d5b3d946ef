//! What a person does on a page: things are found by what they are and what they are called, as assistive technology tells it.

use fantoccini::Locator;
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use serde_json::{Value, json};

use super::vendor;
use super::window::{Window, done};

#[derive(Clone, Copy)]
enum Kind {
    Button,
    Link,
    Field,
    List,
    Box,
}

impl Window {
    /// Presses the button of this name.
    pub async fn press(&self, name: &str) {
        done(self.the(Kind::Button, name).await.click().await);
    }

    /// Presses the button of this name, and at once again.
    pub async fn press_twice(&self, name: &str) {
        let enter = char::from(fantoccini::key::Key::Enter).to_string();
        let button = self.the(Kind::Button, name).await;
        done(button.send_keys(&enter.repeat(2)).await);
    }

    /// Follows the link of this name.
    pub async fn follow(&self, name: &str) {
        done(self.the(Kind::Link, name).await.click().await);
    }

    /// Types into the field with this label, in place of what is there.
    pub async fn fill(&self, label: &str, text: &str) {
        let field = self.the(Kind::Field, label).await;
        done(field.clear().await);
        done(field.send_keys(text).await);
    }

    /// What is in the field with this label.
    pub async fn value(&self, label: &str) -> String {
        let field = self.the(Kind::Field, label).await;
        done(field.prop("value").await).unwrap_or_default()
    }

    /// Chooses from the list with this label.
    pub async fn choose(&self, label: &str, option: &str) {
        let list = self.the(Kind::List, label).await;
        let mut labels = Vec::new();
        for item in done(list.find_all(Locator::Css("option")).await) {
            let text = done(item.text().await);
            if text == option {
                return done(item.click().await);
            }
            labels.push(text);
        }
        panic!("the list {label:?} has no {option:?}, but {labels:?}");
    }

    /// Ticks the box, or takes the choice, with this label.
    pub async fn tick(&self, label: &str) {
        let the_box = self.the(Kind::Box, label).await;
        if !done(the_box.is_selected().await) {
            done(the_box.click().await);
        }
    }

    /// How many buttons of this name there are now.
    pub async fn buttons(&self, name: &str) -> usize {
        self.count(Kind::Button, name).await
    }

    /// How many links of this name there are now.
    pub async fn links(&self, name: &str) -> usize {
        self.count(Kind::Link, name).await
    }

    /// Presses the tabulator; returns what has the focus then, such as `button Continue`.
    pub async fn tab(&self) -> String {
        self.key("rawKeyDown", "Tab", 9, "").await;
        self.focus().await
    }

    /// What has the focus, such as `button Continue`.
    pub async fn focus(&self) -> String {
        done(self.focused().await)
    }

    /// Presses Enter where the focus is.
    pub async fn enter(&self) {
        self.key("keyDown", "Enter", 13, "\r").await;
    }

    async fn key(&self, how: &str, key: &str, code: u32, text: &str) {
        let mut stroke =
            json!({ "type": how, "key": key, "code": key, "windowsVirtualKeyCode": code });
        if !text.is_empty() {
            stroke["text"] = text.into();
        }
        let mut release = stroke.clone();
        release["type"] = "keyUp".into();
        self.devtools("Input.dispatchKeyEvent", stroke).await;
        self.devtools("Input.dispatchKeyEvent", release).await;
    }

    async fn focused(&self) -> Result<String, CmdError> {
        let element = self.client.active_element().await?;
        let role = self.computed(&element, "role").await?;
        let name = self.computed(&element, "label").await?;
        Ok(format!("{role} {name}"))
    }

    /// Waits until there is one of this name. Nobody could tell two apart.
    async fn the(&self, kind: Kind, name: &str) -> Element {
        let wanted = format!("a {} called {name:?}", kind.word());
        let mut found = self
            .until(&wanted, async || {
                let found = self.all(kind, name).await?;
                Ok((!found.is_empty()).then_some(found))
            })
            .await;
        assert_eq!(found.len(), 1, "there are more than {wanted}");
        found.remove(0)
    }

    async fn count(&self, kind: Kind, name: &str) -> usize {
        let wanted = format!("a page on which to count each {} {name:?}", kind.word());
        let counted = self.until(&wanted, async || {
            Ok(Some(self.all(kind, name).await?.len()))
        });
        counted.await
    }

    async fn all(&self, kind: Kind, name: &str) -> Result<Vec<Element>, CmdError> {
        let mut found = Vec::new();
        for element in self.client.find_all(Locator::Css(kind.selector())).await? {
            let is_it = self.computed(&element, "label").await?.trim() == name;
            if is_it && element.is_displayed().await? {
                found.push(element);
            }
        }
        Ok(found)
    }

    /// As the browser computes it for assistive technology: `role` or `label`.
    async fn computed(&self, element: &Element, what: &str) -> Result<String, CmdError> {
        let path = format!("element/{}/computed{what}", element.element_id());
        match vendor::get(&self.client, &path).await? {
            Value::String(told) => Ok(told),
            other => Err(CmdError::NotW3C(other)),
        }
    }
}

impl Kind {
    fn selector(self) -> &'static str {
        match self {
            Self::Button => {
                "button, summary, [role=button], input[type=submit], input[type=button]"
            }
            Self::Link => "a[href]",
            Self::Field => {
                "textarea, input:not([type=hidden], [type=submit], [type=button], [type=checkbox], [type=radio])"
            }
            Self::List => "select",
            Self::Box => "input[type=checkbox], input[type=radio]",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Button => "button",
            Self::Link => "link",
            Self::Field => "field",
            Self::List => "list",
            Self::Box => "box",
        }
    }
}
