public import Postgres
public import SiteControlDomain

// Columns with these values have a CHECK: what is not one of the cases is an error of reading.
extension LifecycleStatus: PostgresEncodable, PostgresDecodable {}
extension JobStatus: PostgresEncodable, PostgresDecodable {}
extension BackupStatus: PostgresEncodable, PostgresDecodable {}
extension ReleaseHealth: PostgresEncodable, PostgresDecodable {}
extension TLSStatus: PostgresEncodable, PostgresDecodable {}
extension DriftStatus: PostgresEncodable, PostgresDecodable {}
extension NodeStatus: PostgresEncodable, PostgresDecodable {}
extension JobType: PostgresEncodable, PostgresDecodable {}
extension EnvironmentType: PostgresEncodable, PostgresDecodable {}
extension BackupScope: PostgresEncodable, PostgresDecodable {}
extension SourceType: PostgresEncodable, PostgresDecodable {}
extension PromotionPreset: PostgresEncodable, PostgresDecodable {}
