//! Hot writes, one commit each.

use super::Sqlite;
use crate::StoreError;
use crate::sql::{Database as _, Dialect, HotWrite, Row, Statement, tell_commits};

impl Sqlite {
    pub(super) async fn hot(&self, write: HotWrite) -> Result<Option<Row>, StoreError> {
        let sql = format!(
            "WITH {} {}",
            write.kind.table(Dialect::Sqlite, 1),
            write.kind.update(Dialect::Sqlite)
        );
        let statement = Statement::built(sql).bind_all(write.values);
        if !write.kind.is_told() {
            return Ok(self.write(statement).await?.pop());
        }
        let mut transaction = self.begin().await?;
        let row = transaction.fetch(statement).await?.pop();
        if row.is_some() {
            let tell = tell_commits(Dialect::Sqlite, "instances WHERE id = $1");
            transaction
                .execute(Statement::built(tell).bind(write.id))
                .await?;
        }
        transaction.commit().await?;
        Ok(row)
    }
}
