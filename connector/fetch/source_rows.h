/* source_rows.h - short spellings of the rows of alert/map.h, for the tables of the sources. */
#ifndef FETCH_SOURCE_ROWS_H
#define FETCH_SOURCE_ROWS_H

#include "alert/map.h"

#define MEMBER_ROW(path, target, member)                                               \
	{                                                                              \
		path, target, offsetof(struct fmt_alert, member)                       \
	}
#define STRING(path, member) MEMBER_ROW(path, ALERT_STRING, member)
#define SPARE(path, member) MEMBER_ROW(path, ALERT_SPARE, member)
#define TIME(path, member) MEMBER_ROW(path, ALERT_TIME, member)
#define LIST(path, member) MEMBER_ROW(path, ALERT_LIST, member)
#define RAW(path, member) MEMBER_ROW(path, ALERT_RAW, member)
#define SEVERITY(path)                                                                 \
	{                                                                              \
		path, ALERT_SEVERITY, 0                                                \
	}
#define FIELD_AT(path, id)                                                             \
	{                                                                              \
		path, EVIDENCE_FIELD, id                                               \
	}
#define FLAT_ROW(path, at, id)                                                         \
	{                                                                              \
		path, FLAT_FIELD, FLAT(at, id)                                         \
	}

/* Graph and the older APIs name the parts of a comment differently, and some answers of Graph send
 * the older names (facts 3.1). */
#define COMMENT_ROW(path, target, member)                                              \
	{                                                                              \
		"comments" path, target, offsetof(struct fmt_comment, member)          \
	}
#define COMMENTS                                                                       \
	{"comments", ALERT_COMMENT, 0}, COMMENT_ROW("/comment", COMMENT_STRING, text), \
		COMMENT_ROW("/createdByDisplayName", COMMENT_STRING, author),          \
		COMMENT_ROW("/createdBy", COMMENT_STRING, author),                     \
		COMMENT_ROW("/createdDateTime", COMMENT_TIME, created),                \
		COMMENT_ROW("/createdTime", COMMENT_TIME, created)

/* Evidence of Defender for Endpoint, an entity of Microsoft 365 Defender: one flat object whose
 * entityType says which members count (facts 3.7, 3.8). */
#define ENTITY_ROWS(at)                                                                \
	{at "/entityType", EVIDENCE_TYPE, 0},                                          \
		{at "/evidenceCreationTime", EVIDENCE_CREATED, 0},                     \
		FIELD_AT(at "/verdict", FMT_VERDICT),                                  \
		FIELD_AT(at "/remediationStatus", FMT_REMEDIATION_STATUS),             \
		FIELD_AT(at "/detectionStatus", FMT_DETECTION_STATUS),                 \
		FIELD_AT(at "/fileName", FMT_FILE_NAME),                               \
		FIELD_AT(at "/filePath", FMT_FILE_PATH),                               \
		FIELD_AT(at "/sha1", FMT_FILE_SHA1),                                   \
		FIELD_AT(at "/sha256", FMT_FILE_SHA256),                               \
		FIELD_AT(at "/processId", FMT_PROCESS_ID),                             \
		FIELD_AT(at "/processCommandLine", FMT_PROCESS_COMMAND_LINE),          \
		FIELD_AT(at "/processCreationTime", FMT_PROCESS_CREATED),              \
		FIELD_AT(at "/parentProcessId", FMT_PARENT_PROCESS_ID),                \
		FIELD_AT(at "/parentProcessCreationTime", FMT_PARENT_PROCESS_CREATED), \
		FIELD_AT(at "/parentProcessFileName", FMT_PARENT_FILE_NAME),           \
		FIELD_AT(at "/parentProcessFilePath", FMT_PARENT_FILE_PATH),           \
		FIELD_AT(at "/ipAddress", FMT_IP_ADDRESS),                             \
		FIELD_AT(at "/url", FMT_URL),                                          \
		FIELD_AT(at "/registryHive", FMT_REGISTRY_HIVE),                       \
		FIELD_AT(at "/registryKey", FMT_REGISTRY_KEY),                         \
		FIELD_AT(at "/registryValueType", FMT_REGISTRY_VALUE_TYPE),            \
		FIELD_AT(at "/registryValue", FMT_REGISTRY_VALUE),                     \
		FIELD_AT(at "/accountName", FMT_USER_NAME),                            \
		FIELD_AT(at "/domainName", FMT_USER_DOMAIN),                           \
		FIELD_AT(at "/userSid", FMT_USER_SID),                                 \
		FIELD_AT(at "/aadUserId", FMT_USER_AAD_ID),                            \
		FIELD_AT(at "/userPrincipalName", FMT_USER_UPN)

#endif
