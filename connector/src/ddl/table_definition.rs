//! What a `CREATE TABLE` statement declares.

use indexmap::IndexMap;

use super::types::DataType;

/// One `CREATE TABLE`, as written. Its `Display` is what `SHOW CREATE TABLE` prints.
#[derive(Clone, Debug, PartialEq)]
pub struct TableDefinition {
    /// The name, with its catalog and database where they were written.
    pub name: ObjectPath,
    /// `CREATE TEMPORARY TABLE`.
    pub temporary: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// `WATERMARK FOR … AS …`.
    pub watermark: Option<WatermarkDefinition>,
    /// `PRIMARY KEY (…) NOT ENFORCED`, wherever it was written.
    pub primary_key: Option<PrimaryKey>,
    /// `COMMENT` of the table.
    pub comment: Option<String>,
    /// The `WITH` options as written, secrets and `${env:…}` references included.
    pub options: IndexMap<String, String>,
}

impl TableDefinition {
    /// The column called `name`; case matters.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// A name of one to three parts: `[catalog.][database.]name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectPath(pub Vec<String>);

impl ObjectPath {
    /// The last part: the object's own name.
    pub fn object(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }
}

/// One column of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name; case matters.
    pub name: String,
    /// Where its values come from.
    pub kind: ColumnKind,
    /// Its `COMMENT`.
    pub comment: Option<String>,
}

impl Column {
    /// The declared type; a computed column has none.
    pub fn data_type(&self) -> Option<&DataType> {
        match &self.kind {
            ColumnKind::Physical { data_type } | ColumnKind::Metadata { data_type, .. } => {
                Some(data_type)
            }
            ColumnKind::Computed { .. } => None,
        }
    }
}

/// Where the values of a column come from.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnKind {
    /// Part of the record's key or value.
    Physical {
        /// The declared type.
        data_type: DataType,
    },
    /// About the record: `METADATA [FROM 'key'] [VIRTUAL]`.
    Metadata {
        /// The declared type.
        data_type: DataType,
        /// The `FROM` key; without it the column's name is the key.
        key: Option<String>,
        /// `VIRTUAL`: read only, not part of what is inserted.
        is_virtual: bool,
    },
    /// `AS expression`, evaluated by the query engine.
    Computed {
        /// The expression exactly as written.
        expression: String,
    },
}

/// `WATERMARK FOR column[.field…] AS expression`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatermarkDefinition {
    /// The column, then the path to a field inside it.
    pub column: Vec<String>,
    /// The expression exactly as written.
    pub expression: String,
}

/// `[CONSTRAINT name] PRIMARY KEY (columns) NOT ENFORCED`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrimaryKey {
    /// The constraint's name.
    pub name: Option<String>,
    /// The key's columns, in order.
    pub columns: Vec<String>,
}
