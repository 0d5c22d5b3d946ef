//! Marks as rows: a name and a value each.

use async_trait::async_trait;

use super::{Database, Statement, only};
use crate::StoreError;
use crate::backend::MarkRows;

#[async_trait]
impl<D: Database> MarkRows for D {
    async fn mark(&self, name: &str) -> Result<Option<String>, StoreError> {
        let statement = Statement::of("SELECT value FROM marks WHERE name = $1").bind(name);
        only(self.read(statement).await?)
            .map(|row| row.get("value"))
            .transpose()
    }

    async fn set_marks(&self, marks: &[(&str, Option<&str>)]) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        for (name, value) in marks {
            let statement = match value {
                Some(value) => Statement::of(
                    "INSERT INTO marks (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                )
                .bind(*name)
                .bind(*value),
                None => Statement::of("DELETE FROM marks WHERE name = $1").bind(*name),
            };
            transaction.execute(statement).await?;
        }
        transaction.commit().await
    }

    async fn keep_mark(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let statement = Statement::of(
            "INSERT INTO marks (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        )
        .bind(name)
        .bind(value);
        self.change(statement).await.map(|_| ())
    }
}
