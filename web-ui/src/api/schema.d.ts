// Made by `npm run gen` from the box's contract; do not edit.

export interface paths {
    "/api/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who did what, newest first. */
        get: operations["list_audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The whole trail, oldest first, one entry a line, hashes and all: it can be checked without the box. */
        get: operations["export_audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/2fa/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Turns the second factor off (the original client's name). */
        post: operations["two_factor_disable"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/2fa/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Turns the second factor on (the original client's name for step 2). */
        post: operations["two_factor_enable"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/2fa/setup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Offers a secret (the original client's name for step 1). */
        post: operations["two_factor_setup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/change-password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sets another password. All other sessions of the account end. */
        post: operations["change_password"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/jwks.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The public keys of the box's tokens. */
        get: operations["jwks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Signs in. Wrong name, password and code are one answer. */
        post: operations["login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends the session: its refresh tokens and its access tokens are not taken any more. */
        post: operations["logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who one is. */
        get: operations["me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Changes one's own name, e-mail address and preferences. */
        patch: operations["change_me"];
        trace?: never;
    };
    "/api/v1/auth/me/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Everything the box holds on the caller, as JSON. */
        get: operations["export_me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Exchanges a refresh token, which is good once, for a new pair. */
        post: operations["refresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/refresh-upload-token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Another upload token for an upload of one's own. */
        post: operations["refresh_upload_token"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/register": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes an account and signs it in: the first with a set-up code (it is an admin), others with an invite or by an admin. */
        post: operations["register"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The devices that are signed in, last used first. */
        get: operations["list_sessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A device of one's own that is signed in. */
        get: operations["session"];
        put?: never;
        post?: never;
        /** Signs a device of one's own out. */
        delete: operations["end_session"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/destinations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All destinations. */
        get: operations["list_destinations"];
        put?: never;
        /** Adds a destination; it is used at once, and what is held for want of one is matched again. */
        post: operations["add_destination"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/destinations/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A destination with its settings. */
        get: operations["destination"];
        put?: never;
        post?: never;
        /** Deletes a destination that is kept in the box. One with work queued is refused unless that is given up. */
        delete: operations["delete_destination"];
        options?: never;
        head?: never;
        /**
         * Changes a destination that is kept in the box: a merge patch (RFC 7396). Secrets that are not named stay. `paused` alone is taken for one
         *     of the configuration file, too.
         */
        patch: operations["change_destination"];
        trace?: never;
    };
    "/api/v1/destinations/{name}/echo": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Tries a destination step by step without storing anything, and names the first step that fails. */
        post: operations["try_destination"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/dicom/inspect": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What the beginning of a DICOM file says about it. 256 KiB are enough for most; nothing is kept. */
        post: operations["inspect"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Everything that happens and that the caller may see.
         * @description Events: `connected`, `unread_count`, `notification`, `report`, `upload`, `study`, `destination`, `reset`; each with an `id`.
         *
         *     An `upload` is the body of `GET /upload/{id}/status` without its `result`. Of more than 100 files only those with an error are in it, at most
         *     100, and of more than 100 studies the first 100: `files_omitted` and `studies_omitted` say how many are not.
         */
        get: operations["live_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/modalities": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every modality that is configured or was seen since the daemon started. */
        get: operations["list_modalities"];
        put?: never;
        /** Admits a modality. From the first one on, only modalities that are listed may send. */
        post: operations["add_modality"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/modalities/{ae_title}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A modality that is listed: configured, or seen since the daemon started. */
        get: operations["modality"];
        put?: never;
        post?: never;
        /** Deletes a modality that is kept in the box. Its open associations go on; once none is listed, every calling AE title may send again. */
        delete: operations["delete_modality"];
        options?: never;
        head?: never;
        /** Changes a modality that is kept in the box: a merge patch (RFC 7396). */
        patch: operations["change_modality"];
        trace?: never;
    };
    "/api/v1/modalities/{ae_title}/echo": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends a modality a C-ECHO and names the first step that fails. */
        post: operations["try_modality"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/notifications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The caller's notifications. */
        get: operations["list_notifications"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/notifications/push-subscriptions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Pushes what the caller is told to this browser too. What is pushed names no patient. */
        post: operations["subscribe_push"];
        /** Pushes no more to this browser. */
        delete: operations["unsubscribe_push"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/notifications/read-all": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Marks all of the caller's notifications as read. */
        patch: operations["read_all_notifications"];
        trace?: never;
    };
    "/api/v1/notifications/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The caller's notifications. */
        get: operations["live_notifications"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/notifications/vapid-key": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The public key with which the box signs pushes (RFC 8292). */
        get: operations["vapid_key"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/notifications/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Deletes one. */
        delete: operations["delete_notification"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/notifications/{id}/read": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Marks one as read. */
        patch: operations["read_notification"];
        trace?: never;
    };
    "/api/v1/notifications/{id}/unread": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Marks one as unread. */
        patch: operations["unread_notification"];
        trace?: never;
    };
    "/api/v1/reports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The reports that the caller may see. */
        get: operations["list_reports"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/reports/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What happens to the caller's reports and uploads. */
        get: operations["live_reports"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/reports/upload/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The report on an upload; of several the first. */
        get: operations["report_of_upload"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/reports/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A report. */
        get: operations["report"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Writes or judges a report. Allowed are assigned → pending → ready, ready → pending (to amend it), any → additional_data_required → pending. */
        patch: operations["change_report"];
        trace?: never;
    };
    "/api/v1/reports/{id}/download": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The report as PDF. */
        get: operations["download_report"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/reports/{id}/read": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** The caller has read the report as it is. */
        post: operations["read_report"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/reports/{id}/sync": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Asks the PACS now whether there is a report on this study; answers the report as it is then. */
        post: operations["sync_report"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/studies": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What came in and where it stands, newest first. */
        get: operations["list_studies"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/studies/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Studies by name, id and the rest, newest first. */
        post: operations["search_studies"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/studies/{uid}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A study with its series and instances. */
        get: operations["study"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/studies/{uid}/instances/{sop}/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A frame of an instance as a picture, for people to look at; not for diagnosis. */
        get: operations["preview"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/studies/{uid}/ledger": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The ledger of a study: for each instance and destination when it was accepted, sent and proven. Released instances are included. */
        get: operations["study_ledger"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/studies/{uid}/priority": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes a study more or less urgent. */
        post: operations["set_study_priority"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/studies/{uid}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Tries a study's retrying and held deliveries again, now. */
        post: operations["retry_study"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/system": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Version, disk, queue, alerts: what the panel and the page's status bar show. */
        get: operations["system"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/system/certificate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The TLS certificate in force. */
        get: operations["certificate"];
        /** Takes another certificate into use at once, after checking that key and chain belong together and are good today. */
        put: operations["replace_certificate"];
        post?: never;
        /** Gives an uploaded certificate up: the ACME service's or the box's own is in force again. */
        delete: operations["give_certificate_up"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/system/public": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a page must know before anybody is signed in. */
        get: operations["system_public"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/telemetry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Takes an error of the page: a Sentry envelope of at most 200 KiB. It is scrubbed of everything that could be a patient's and passed on to
         *     the collector of the configuration; without one it is forgotten.
         */
        post: operations["telemetry"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/totp/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Turns the second factor off. */
        post: operations["disable_totp"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/totp/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Turns the second factor on: without a body a secret is offered, with a code of it the factor is on. */
        post: operations["enable_totp"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/upload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One's own uploads, newest first; radiologists and admins see all. */
        get: operations["list_uploads"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/upload/init": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Begins an upload. */
        post: operations["begin_upload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/upload/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Totals of a period. */
        get: operations["stats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/upload/stats/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A period as a table, a line for each day, modality, service level and source. */
        get: operations["stats_export"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/upload/stats/trend": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A period day by day; days without anything are zeros. */
        get: operations["stats_trend"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/upload/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Gives an upload up that is not complete; its bytes are freed. */
        delete: operations["delete_upload"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/upload/{id}/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Takes many chunks of many files. Each is judged alone; all that are received are durable when this answers.
         * @description Where the box could not store one (503, 507), no chunk is to blame and the same request is to be sent again later: those that it did store
         *     are then answered with `exists`.
         */
        post: operations["upload_batch"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/upload/{id}/chunk": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Takes a chunk. It is acknowledged when it survives power loss. */
        put: operations["upload_chunk"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/upload/{id}/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Completes an upload: durable when it answers; it does not wait for a PACS. Asked again, the answer is the same. */
        post: operations["complete_upload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/upload/{id}/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How far an upload is. */
        get: operations["upload_status"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All accounts, by name. */
        get: operations["list_users"];
        put?: never;
        /** Makes an account without signing it in. */
        post: operations["add_user"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/invites": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All open invites, newest first, without their codes. */
        get: operations["list_invites"];
        put?: never;
        /** Makes an invite, good for one account. */
        post: operations["invite"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/invites/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** An open invite, without its code. */
        get: operations["find_invite"];
        put?: never;
        post?: never;
        /** Takes an invite back. */
        delete: operations["withdraw_invite"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** An account. */
        get: operations["user"];
        put?: never;
        post?: never;
        /** Deletes an account: its sessions end, what is known of the person goes, its name stays taken. */
        delete: operations["delete_user"];
        options?: never;
        head?: never;
        /** Changes an account. The last admin who can sign in stays one. */
        patch: operations["change_user"];
        trace?: never;
    };
    "/auth/2fa/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Turns the second factor off (the original client's name).
         * @deprecated
         */
        post: operations["two_factor_disable_legacy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/2fa/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Turns the second factor on (the original client's name for step 2).
         * @deprecated
         */
        post: operations["two_factor_enable_legacy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/2fa/setup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Offers a secret (the original client's name for step 1).
         * @deprecated
         */
        post: operations["two_factor_setup_legacy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/change-password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sets another password. All other sessions of the account end.
         * @deprecated
         */
        post: operations["change_password_legacy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/jwks.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The public keys of the box's tokens.
         * @deprecated
         */
        get: operations["jwks_legacy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Signs in. Wrong name, password and code are one answer.
         * @deprecated
         */
        post: operations["login_legacy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ends the session: its refresh tokens and its access tokens are not taken any more.
         * @deprecated
         */
        post: operations["logout_legacy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who one is.
         * @deprecated
         */
        get: operations["me_legacy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Changes one's own name, e-mail address and preferences.
         * @deprecated
         */
        patch: operations["change_me_legacy"];
        trace?: never;
    };
    "/auth/me/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Everything the box holds on the caller, as JSON.
         * @deprecated
         */
        get: operations["export_me_legacy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Exchanges a refresh token, which is good once, for a new pair.
         * @deprecated
         */
        post: operations["refresh_legacy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/refresh-upload-token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Another upload token for an upload of one's own.
         * @deprecated
         */
        post: operations["refresh_upload_token_legacy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/register": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Makes an account and signs it in: the first with a set-up code (it is an admin), others with an invite or by an admin.
         * @deprecated
         */
        post: operations["register_legacy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The devices that are signed in, last used first.
         * @deprecated
         */
        get: operations["list_sessions_legacy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A device of one's own that is signed in.
         * @deprecated
         */
        get: operations["session_legacy"];
        put?: never;
        post?: never;
        /**
         * Signs a device of one's own out.
         * @deprecated
         */
        delete: operations["end_session_legacy"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the original client polls. */
        get: operations["health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the daemon is alive. */
        get: operations["alive"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Every metric of the box: in Prometheus' text format 0.0.4, or as OpenMetrics 1.0 when `Accept` names it.
         * @description For the box itself and the configured monitoring networks.
         */
        get: operations["metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/notifications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The caller's notifications.
         * @deprecated
         */
        get: operations["list_notifications_legacy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/notifications/push-subscriptions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Pushes what the caller is told to this browser too. What is pushed names no patient.
         * @deprecated
         */
        post: operations["subscribe_push_legacy"];
        /**
         * Pushes no more to this browser.
         * @deprecated
         */
        delete: operations["unsubscribe_push_legacy"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/notifications/read-all": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Marks all of the caller's notifications as read.
         * @deprecated
         */
        patch: operations["read_all_notifications_legacy"];
        trace?: never;
    };
    "/notifications/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The caller's notifications.
         * @deprecated
         */
        get: operations["live_notifications_legacy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/notifications/vapid-key": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The public key with which the box signs pushes (RFC 8292).
         * @deprecated
         */
        get: operations["vapid_key_legacy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/notifications/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Deletes one.
         * @deprecated
         */
        delete: operations["delete_notification_legacy"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/notifications/{id}/read": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Marks one as read.
         * @deprecated
         */
        patch: operations["read_notification_legacy"];
        trace?: never;
    };
    "/notifications/{id}/unread": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Marks one as unread.
         * @deprecated
         */
        patch: operations["unread_notification_legacy"];
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the box takes and keeps studies now: log and catalogue can be written, the disk is above its reserve, the SCP listens.
         * @description For the box itself and the configured monitoring networks.
         */
        get: operations["readiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/reports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The reports that the caller may see.
         * @deprecated
         */
        get: operations["list_reports_legacy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/reports/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What happens to the caller's reports and uploads.
         * @deprecated
         */
        get: operations["live_reports_legacy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/reports/upload/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The report on an upload; of several the first.
         * @deprecated
         */
        get: operations["report_of_upload_legacy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/reports/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A report.
         * @deprecated
         */
        get: operations["report_legacy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Writes or judges a report. Allowed are assigned → pending → ready, ready → pending (to amend it), any → additional_data_required → pending.
         * @deprecated
         */
        patch: operations["change_report_legacy"];
        trace?: never;
    };
    "/reports/{id}/download": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The report as PDF.
         * @deprecated
         */
        get: operations["download_report_legacy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/reports/{id}/read": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * The caller has read the report as it is.
         * @deprecated
         */
        post: operations["read_report_legacy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/reports/{id}/sync": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Asks the PACS now whether there is a report on this study; answers the report as it is then.
         * @deprecated
         */
        post: operations["sync_report_legacy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/totp/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Turns the second factor off.
         * @deprecated
         */
        post: operations["disable_totp_legacy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/totp/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Turns the second factor on: without a body a secret is offered, with a code of it the factor is on.
         * @deprecated
         */
        post: operations["enable_totp_legacy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/upload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One's own uploads, newest first; radiologists and admins see all.
         * @deprecated
         */
        get: operations["list_uploads_legacy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/upload/init": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Begins an upload.
         * @deprecated
         */
        post: operations["begin_upload_legacy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/upload/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Totals of a period.
         * @deprecated
         */
        get: operations["stats_legacy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/upload/stats/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A period as a table, a line for each day, modality, service level and source.
         * @deprecated
         */
        get: operations["stats_export_legacy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/upload/stats/trend": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A period day by day; days without anything are zeros.
         * @deprecated
         */
        get: operations["stats_trend_legacy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/upload/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Gives an upload up that is not complete; its bytes are freed.
         * @deprecated
         */
        delete: operations["delete_upload_legacy"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/upload/{id}/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Takes many chunks of many files. Each is judged alone; all that are received are durable when this answers.
         * @deprecated
         * @description Where the box could not store one (503, 507), no chunk is to blame and the same request is to be sent again later: those that it did store
         *     are then answered with `exists`.
         */
        post: operations["upload_batch_legacy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/upload/{id}/chunk": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Takes a chunk. It is acknowledged when it survives power loss.
         * @deprecated
         */
        put: operations["upload_chunk_legacy"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/upload/{id}/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Completes an upload: durable when it answers; it does not wait for a PACS. Asked again, the answer is the same.
         * @deprecated
         */
        post: operations["complete_upload_legacy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/upload/{id}/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How far an upload is.
         * @deprecated
         */
        get: operations["upload_status_legacy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description What a request set in motion. */
        Accepted: {
            /**
             * Format: int64
             * @description How many deliveries (instance and destination) it touches.
             * @example 2
             */
            deliveries: number;
        };
        /** @description Something that needs somebody. */
        Alert: {
            /**
             * @description Which, as on the panel.
             * @example E21
             */
            code: string;
            /** @description How bad it is. */
            severity: components["schemas"]["SeverityName"];
            /** @description Since when. */
            since: components["schemas"]["Time"];
            /** @description What, in a sentence. */
            text: string;
            /** @description What somebody can do. */
            what_to_do: string;
        };
        /** @description The daemon answers. */
        Alive: {
            /**
             * @description Always `ok`.
             * @example ok
             */
            status: string;
        };
        /**
         * @description One thing that somebody did. `hash` is the SHA-256, in hex, of the hash of the entry before (64 zeros before the first), a line feed, and
         *     this entry as JSON without its hash, keys in this order, absent ones left out, no spaces.
         */
        AuditEntry: {
            /**
             * @description What.
             * @example sign_in
             */
            action: string;
            /**
             * @description Who: a username, `operator` (the command line), `panel`, or `-` for nobody known.
             * @example ada
             */
            actor: string;
            /**
             * @description From where.
             * @example 192.0.2.7
             */
            address?: string | null;
            /**
             * Format: date-time
             * @description When.
             * @example 2026-11-23T02:13:20.123Z
             */
            at: string;
            /** @description The chain's hash up to and with this entry. */
            hash: string;
            /**
             * @description To what.
             * @example user ada
             */
            object: string;
            /**
             * @description How it ended: `done`, `refused` or `failed`.
             * @example done
             */
            outcome: string;
            /**
             * Format: int64
             * @description Its number, from 1, without gaps.
             * @example 17
             */
            seq: number;
        };
        /** @description Who did what, newest first. */
        AuditList: {
            /** @description The entries. */
            entries: components["schemas"]["AuditEntry"][];
            /**
             * Format: int64
             * @description Ask on with it; absent: that was all.
             */
            next_cursor?: number | null;
        };
        /** @description How the box proves who it is. Secrets are never shown again. */
        AuthSettings: {
            /** @description PEM client certificate with its chain. */
            certificate?: string | null;
            /** @description Client identifier (`oauth2`). */
            client_id?: string | null;
            /**
             * Format: password
             * @description The client's secret (`oauth2`).
             */
            client_secret?: string | null;
            /**
             * Format: password
             * @description PEM private key of the client certificate.
             */
            key?: string | null;
            /**
             * @description `none`, `basic`, `bearer`, `oauth2` or `certificate`.
             * @example basic
             */
            kind?: string | null;
            /**
             * Format: password
             * @description Password (`basic`).
             */
            password?: string | null;
            /** @description Scopes, separated by spaces (`oauth2`). */
            scope?: string | null;
            /**
             * Format: password
             * @description Token (`bearer`).
             */
            token?: string | null;
            /** @description Token endpoint (`oauth2`). */
            token_url?: string | null;
            /** @description User name (`basic`). */
            user?: string | null;
        };
        /** @description What became of a chunk of a batch. */
        BatchAnswer: {
            /**
             * Format: int32
             * @description Its number.
             */
            chunk_index: number;
            /** @description What is wrong with it. */
            error?: string | null;
            /** @description Its file's name in the upload. */
            file_id: string;
            /**
             * @description `received`, `exists` or `failed`.
             * @example received
             */
            status: string;
        };
        /** @description The body of a batch. */
        BatchBody: {
            /**
             * Format: binary
             * @description Their bytes, one after the other, at most 16 MiB.
             */
            data: string;
            /** @description The chunks, in the order of their bytes. */
            manifest: components["schemas"]["ManifestEntry"][];
        };
        /** @description The TLS certificate in force. */
        Certificate: {
            /** @description SHA-256 of the box's own authority (`/ca.crt`), as the panel shows it. */
            ca_sha256: string;
            /**
             * @description Who issued it.
             * @example CN=RelayPACS box CA 0f1e2d3c
             */
            issuer: string;
            /** @description Names and addresses it is good for. */
            names: string[];
            /** @description Until when. */
            not_after: components["schemas"]["Time"];
            /** @description From when it is good. */
            not_before: components["schemas"]["Time"];
            /** @description SHA-256 of the certificate. */
            sha256: string;
            /** @description Where it comes from. */
            source: components["schemas"]["CertificateOrigin"];
            /**
             * @description Whom it names.
             * @example CN=edge1
             */
            subject: string;
            /** @description Whether it leads to an authority that browsers trust; then browsers are told to come by HTTPS only (HSTS). */
            trusted: boolean;
        };
        /**
         * @description Where a certificate comes from.
         * @enum {string}
         */
        CertificateOrigin: "box" | "file" | "upload" | "acme";
        /** @description A certificate to take into use. */
        CertificateUpload: {
            /**
             * @description PEM: the server's own certificate first, then each issuer; at most 10.
             * @example -----BEGIN CERTIFICATE-----
             *     MIIB…
             *     -----END CERTIFICATE-----
             */
            certificate: string;
            /**
             * Format: password
             * @description PEM: its private key (PKCS#8, PKCS#1 or SEC1) without a passphrase. It is never shown again.
             * @example -----BEGIN PRIVATE KEY-----
             *     MIGH…
             *     -----END PRIVATE KEY-----
             */
            key: string;
        };
        /** @description Another password. */
        ChangePassword: {
            /**
             * Format: password
             * @description The one in use.
             * @example Correct-Horse-7
             */
            current_password: string;
            /**
             * Format: password
             * @description The new one; the rules are those of `UserCreate`.
             * @example Battery-Staple-8
             */
            new_password: string;
        };
        /**
         * @description The names of the checks.
         * @enum {string}
         */
        CheckName: "catalogue" | "disk" | "dicom";
        /** @description A chunk that is durable. */
        ChunkUploadResponse: {
            /** @description A digest was sent, and it fits. */
            checksum_verified: boolean;
            /**
             * Format: int32
             * @description Its number.
             * @example 0
             */
            chunk_index: number;
            /**
             * @description Its file.
             * @example f0001
             */
            file_id: string;
            /**
             * Format: int64
             * @description Its length.
             */
            received_bytes: number;
            /** @description `received`, or `exists`: it was there with the same bytes. */
            status: string;
            /** @description Its upload. */
            upload_id: string;
        };
        /** @description A code of the second factor. */
        CodeRequest: {
            /**
             * @description Six digits of the authenticator app, or a recovery code.
             * @example 123456
             */
            code: string;
        };
        /** @description What became of it. */
        Deleted: {
            /**
             * Format: uuid
             * @description Its name.
             * @example 01997a00-0000-7000-8000-000000000001
             */
            id: string;
        };
        /** @description Why a delivery does not go on. */
        DeliveryError: {
            /** @description For programs: the reason why it is held (`refused`), else the failure (`http-503`). */
            code: string;
            /** @description For people. */
            detail: string;
            /** @description What somebody can do about it, where it is held. */
            what_to_do?: string | null;
        };
        /**
         * @description How far a delivery is.
         * @enum {string}
         */
        DeliveryState: "queued" | "forwarding" | "delivered" | "retrying" | "held" | "given_up";
        /** @description A destination. */
        Destination: {
            /** @description What it is: `stow` or `folder`. */
            kind: string;
            last_delivery?: components["schemas"]["Time"] | null;
            last_error?: components["schemas"]["Failure"] | null;
            /**
             * Format: int64
             * @description How long its last answer to a cheap question took, in milliseconds.
             */
            latency_ms?: number | null;
            /** @description Where it is configured. */
            managed: components["schemas"]["ManagedBy"];
            /** @description Its name. */
            name: string;
            /** @description Its folder, where it is one. */
            path?: string | null;
            /** @description Whether nothing is sent to it. */
            paused: boolean;
            paused_by?: components["schemas"]["PauserName"] | null;
            /** @description What waits for it. */
            queue: components["schemas"]["DestinationQueue"];
            /** @description Since when `state` holds. */
            since: components["schemas"]["Time"];
            /** @description Whether it answers. */
            state: components["schemas"]["StateName"];
            /** @description Its base URL, where it has one. Never holds credentials. */
            url?: string | null;
        };
        /** @description A destination with its settings. */
        DestinationDetail: components["schemas"]["Destination"] & {
            /** @description Which secrets are set. */
            secrets: string[];
            /** @description Its settings without secrets; absent for those of the configuration file. */
            settings?: Record<string, never> | null;
        };
        /** @description What waits for a destination. */
        DestinationQueue: {
            /**
             * Format: int64
             * @description Their bytes.
             */
            bytes: number;
            /**
             * Format: int64
             * @description Held instances, which need somebody.
             */
            held: number;
            /**
             * Format: int64
             * @description Instances waiting.
             */
            instances: number;
            oldest: components["schemas"]["Time"] | null;
            /**
             * Format: int64
             * @description Studies with something waiting.
             */
            studies: number;
        };
        /**
         * @description Settings of a destination, as in `[[destination]]` of the configuration; secrets stand here instead of in files. A field that is absent has its
         *     default (POST) or stays (PATCH); PATCH with null sets it back.
         */
        DestinationSettings: {
            auth?: components["schemas"]["AuthSettings"] | null;
            /** @description PEM certificates of the authorities to trust for it instead of the system's. */
            ca?: string | null;
            /**
             * @description Longest wait for a connection, such as `10s`.
             * @example 10s
             */
            connect_timeout?: string | null;
            /**
             * @description What it is, such as `stow` or `folder`.
             * @example stow
             */
            kind?: string | null;
            match?: components["schemas"]["MatchSettings"] | null;
            /**
             * @description Most bytes of one request, such as `64MiB`.
             * @example 64MiB
             */
            max_request_bytes?: string | null;
            /**
             * Format: int32
             * @description Most requests at once.
             * @example 4
             */
            max_requests?: number | null;
            /**
             * Format: double
             * @description Most megabits per second; 0: no limit.
             * @example 0
             */
            mbit_per_s?: number | null;
            /**
             * @description Its name; fixed once it is added.
             * @example pacs
             */
            name?: string | null;
            /** @description The folder (kind `folder`), absolute; it must exist. */
            path?: string | null;
            /** @description PATCH: whether nothing is sent to it until this is false again, over restarts, too; also for one of the configuration file. */
            paused?: boolean | null;
            retry?: components["schemas"]["RetrySettings"] | null;
            /**
             * @description Longest time without progress, such as `60s`.
             * @example 60s
             */
            stall_timeout?: string | null;
            /**
             * @description Base URL of the DICOMweb service (kind `stow`).
             * @example https://pacs.example/dicom-web
             */
            url?: string | null;
            /**
             * @description How it is verified that it has what it says it stored: `none`, `qido` or `retrieve`.
             * @example none
             */
            verify?: string | null;
        };
        /** @description A destination's state in short. */
        DestinationState: {
            /** @description Its name. */
            name: string;
            /** @description Whether it answers. */
            state: components["schemas"]["StateName"];
        };
        /** @description How long studies took, from the acknowledgement of their first instance to the proof of their last. */
        DestinationStats: {
            /**
             * Format: double
             * @description Half of them took no longer, in seconds.
             */
            delay_p50_s: number;
            /**
             * Format: double
             * @description 95 % of them took no longer, in seconds.
             */
            delay_p95_s: number;
            /**
             * Format: int64
             * @description Studies delivered.
             */
            delivered: number;
        };
        /** @description The buffer's share of the disk, in bytes. */
        Disk: {
            /**
             * Format: double
             * @description Days until it refuses studies, filling as in the last hour or day; absent: it does not fill, or is watched too short a time.
             */
            days_left?: number | null;
            /**
             * Format: int64
             * @description What it leaves to everybody else.
             */
            reserve: number;
            /**
             * Format: int64
             * @description What the buffer may take.
             */
            total: number;
            /**
             * Format: int64
             * @description What it holds.
             */
            used: number;
        };
        /** @description What trying a destination or a modality showed. */
        Echo: {
            failed_step?: components["schemas"]["StepName"] | null;
            /** @description Whether every step succeeded. */
            ok: boolean;
            /** @description The steps in order; the last one is the first that failed. */
            steps: components["schemas"]["Step"][];
        };
        /** @description Either step's answer. */
        EnableAnswer: components["schemas"]["TotpOffer"] | components["schemas"]["TotpState"];
        /** @description Step 2: a code that proves that the secret was taken over. Absent: step 1. */
        EnableRequest: {
            /**
             * @description Six digits of the authenticator app.
             * @example 123456
             */
            code?: string | null;
            /** @description The secret of step 1, where the client sends it back: it must be that one. */
            secret?: string | null;
        };
        /** @description What went wrong. */
        Failure: {
            /** @description For programs, such as `connect` or `http-503`. */
            code: string;
            /** @description For people. */
            detail: string;
        };
        /** @description What is wrong with one field of a request. */
        FieldProblem: {
            /** @description What is wrong with it. */
            detail: string;
            /** @description Where: a JSON Pointer (RFC 6901) into the body, or the name of a query parameter. */
            pointer: string;
        };
        /** @description A file that comes. */
        FileInit: {
            /**
             * @description The upload's own name of it.
             * @example 1
             */
            file_id: string;
            /**
             * @description Its name at the sender's, shown and never used as a path.
             * @example DICOM/IM0001.dcm
             */
            name: string;
            /** @description SHA-256 of all its bytes in hex or base64: compared when given. */
            sha256?: string | null;
            /**
             * Format: int64
             * @description Its length in bytes.
             * @example 527000
             */
            size: number;
        };
        /** @description What became of a file. */
        FileOutcomeBody: {
            /** @description Of an archive's entry: its name there. */
            entry?: string | null;
            /** @description What is wrong with it. */
            error?: string | null;
            /** @description Its name in the upload. */
            file_id: string;
            /** @description Which instance it is. */
            sop_instance_uid?: string | null;
            /** @description `success`, `duplicate`, `not_dicom` or `failed`. */
            status: string;
        };
        /** @description How far a file is. */
        FileStatusBody: {
            /** @description Nothing of it is missing. */
            complete: boolean;
            /** @description What is wrong with it. */
            error?: string | null;
            /** @description Chunks that are there; of a completed upload none. */
            received_chunks: number[];
            /**
             * Format: int64
             * @description Its length; null where it was not announced.
             */
            size: number | null;
        };
        /**
         * @description What is unusual.
         * @enum {string}
         */
        FlagName: "unparsed" | "other_version" | "damaged";
        /** @description What the original client asks for. */
        Healthy: {
            /**
             * @description Always `relay-pacs-api`.
             * @example relay-pacs-api
             */
            service: string;
            /**
             * @description Always `healthy`.
             * @example healthy
             */
            status: string;
        };
        /** @description What a file says. */
        InspectResult: {
            /** @description (0020,000E). */
            series_instance_uid: string | null;
            /** @description (0008,0016). */
            sop_class_uid: string | null;
            /** @description (0008,0018). */
            sop_instance_uid: string | null;
            /** @description (0020,000D). */
            study_instance_uid: string | null;
            /** @description As an upload begins with it. */
            study_metadata: components["schemas"]["InspectedStudy"];
            /** @description (0002,0010). */
            transfer_syntax_uid: string;
        };
        /** @description The study that a file belongs to. */
        InspectedStudy: {
            /** @description In years at the time of the study, where both days are known. */
            age?: string | null;
            /** @description (0010,0040). */
            gender?: string | null;
            /** @description (0008,0060). */
            modality: string;
            /** @description (0010,0010). */
            patient_name: string;
            /** @description What the file asks for (0040,1003), else `routine`. */
            service_level: components["schemas"]["ServiceLevel"];
            /** @description (0008,0020) as `YYYY-MM-DD`; empty where the file has none. */
            study_date: string;
            /** @description (0008,1030). */
            study_description?: string | null;
            /** @description (0020,000D). */
            study_instance_uid?: string | null;
        };
        /** @description An instance. */
        Instance: {
            /**
             * Format: int32
             * @description (0028,0011).
             */
            columns: number | null;
            /** @description What is unusual about it. */
            flags: components["schemas"]["FlagName"][];
            /**
             * Format: int32
             * @description (0028,0008).
             */
            frames: number | null;
            /**
             * Format: int32
             * @description (0020,0013).
             */
            number: number | null;
            /**
             * Format: int32
             * @description (0028,0010).
             */
            rows: number | null;
            /** @description SHA-256 of the data set, 64 hex digits. */
            sha256: string;
            /** @description (0008,0018). */
            sop_instance_uid: string;
        };
        /** @description An open invite. */
        Invite: {
            /**
             * @description What to send to whoever is invited; shown only when it is made.
             * @example K7RM-2WPX-9QTH-4ZNB
             */
            code?: string | null;
            /** @description When. */
            created_at: components["schemas"]["Time"];
            /** @description Who made it. */
            created_by: string;
            /** @description Whom it is for. */
            email?: string | null;
            /** @description When it is over. */
            expires_at: components["schemas"]["Time"];
            /**
             * Format: uuid
             * @description Its id.
             */
            id: string;
            /**
             * @description That address as a QR code (a PNG as a data URL), to be scanned by whoever is invited; shown only when it is made.
             * @example data:image/png;base64,iVBORw0KGgo=
             */
            qr_code?: string | null;
            /** @description The role of the account. */
            role: components["schemas"]["Role"];
            /**
             * @description The page that takes the code; shown only when it is made.
             * @example https://192.0.2.7:8443/login#invite=K7RM-2WPX-9QTH-4ZNB
             */
            url?: string | null;
        };
        /** @description An invite to make. */
        InviteRequest: {
            /**
             * @description Whom it is for.
             * @example grace@clinic.example
             */
            email?: string | null;
            /**
             * Format: int64
             * @description Seconds it is good for, a minute to 30 days; absent: 7 days.
             * @example 604800
             */
            expires_in?: number | null;
            /** @description The role of the account. */
            role: components["schemas"]["Role"];
        };
        Jwk: {
            /** @example RS256 */
            alg: string;
            /** @example AQAB */
            e: string;
            kid: string;
            /** @example RSA */
            kty: string;
            n: string;
            /** @example sig */
            use: string;
        };
        /** @description The keys that tokens are signed with (RFC 7517). */
        Jwks: {
            /** @description The signing one last. */
            keys: components["schemas"]["Jwk"][];
        };
        /** @description A page of a study's ledger. */
        Ledger: {
            /** @description What became of each instance, in order of arrival. */
            entries: components["schemas"]["LedgerEntry"][];
            /** @description Where the next page begins; absent on the last one. */
            next_cursor?: string | null;
        };
        /** @description What became of an instance at one destination. */
        LedgerDelivery: {
            /** @description What the destination last said about it. */
            answer: string | null;
            /**
             * Format: int32
             * @description How often it was sent or tried to be sent.
             */
            attempts: number;
            /** @description The destination. */
            destination: string;
            last_sent_at: components["schemas"]["Time"] | null;
            proof: components["schemas"]["ProofKind"] | null;
            proven_at: components["schemas"]["Time"] | null;
            /** @description RetrieveURL (0008,1190) the destination gave. */
            retrieve_url?: string | null;
            /** @description How far it is. */
            state: components["schemas"]["DeliveryState"];
        };
        /** @description What became of one instance. */
        LedgerEntry: {
            /** @description When it was acknowledged. */
            accepted_at: components["schemas"]["Time"];
            /**
             * Format: int64
             * @description Bytes of the data set.
             */
            bytes: number;
            /** @description Who sent it. */
            calling_ae?: string | null;
            /** @description What became of it at each destination. */
            deliveries: components["schemas"]["LedgerDelivery"][];
            /** @description What else happened to it, such as `resent by CT1`. */
            notes: string[];
            released_at?: components["schemas"]["Time"] | null;
            /** @description SHA-256 of the data set, 64 hex digits. */
            sha256: string;
            /** @description (0008,0018). */
            sop_instance_uid: string;
            /** @description How it came in. */
            source: components["schemas"]["SourceName"];
        };
        /** @description What waits of one service level. */
        LevelQueue: {
            /**
             * Format: int64
             * @description Instances waiting.
             */
            instances: number;
            /**
             * Format: int64
             * @description Seconds the oldest has been waiting; null: nothing waits.
             */
            oldest_s: number | null;
            /** @description `stat`, `emergency`, `routine` or `subspecialty`. */
            service_level: string;
        };
        /** @description What somebody types to sign in. */
        LoginRequest: {
            /**
             * Format: password
             * @description Its password.
             * @example Correct-Horse-7
             */
            password: string;
            /**
             * @description Six digits of the authenticator app, or a recovery code; needed when the second factor is on.
             * @example 123456
             */
            totp_code?: string | null;
            /**
             * @description The account's name, in any case.
             * @example ada
             */
            username: string;
        };
        /** @description What else is to end with the session. */
        LogoutRequest: {
            /**
             * @description Its session ends too.
             * @example eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ…
             */
            refresh_token?: string | null;
        };
        /**
         * @description Where a destination is configured.
         * @enum {string}
         */
        ManagedBy: "file" | "box";
        /** @description A chunk of a batch. */
        ManifestEntry: {
            /**
             * Format: int32
             * @description Its number in the file, from 0.
             */
            chunk_index: number;
            /** @description Its file's name in the upload. */
            file_id: string;
            /** @description SHA-256 of its bytes in hex or base64: compared when given. */
            sha256?: string | null;
            /**
             * Format: int64
             * @description Its length in bytes.
             */
            size: number;
        };
        /** @description How many were marked. */
        Marked: {
            /**
             * Format: int64
             * @description How many were unread.
             * @example 3
             */
            marked: number;
        };
        /** @description Which objects a destination takes: everything that is asked must hold; an empty list or text asks nothing. */
        MatchSettings: {
            /** @description The sender's AE title is one of these. */
            calling_ae?: string[] | null;
            /** @description The modality is one of these. */
            modality?: string[] | null;
            /** @description It came by this entrance: `dicom`, `http`, or empty for both. */
            source?: string | null;
        };
        /** @description What to change of oneself; absent fields stay. */
        MePatch: {
            /** @description Where mail goes. */
            email?: string | null;
            /** @description Who it is. */
            full_name?: string | null;
            preferences?: components["schemas"]["PreferencesPatch"] | null;
        };
        /** @description A modality: configured, or seen since the daemon started. */
        Modality: {
            /** @description Where it must come from, where that is configured. */
            address?: string | null;
            /** @description Its AE title. */
            ae_title: string;
            /** @description Whether its associations are taken: it is configured, or no modality is. */
            allowed: boolean;
            /** @description Associations it has open now. */
            associations: number;
            /** @description What people call it. */
            description?: string | null;
            /**
             * Format: int64
             * @description Instances taken from it since the daemon started.
             */
            instances: number;
            last_refusal?: components["schemas"]["Refusal"] | null;
            last_seen?: components["schemas"]["Time"] | null;
            managed?: components["schemas"]["ManagedBy"] | null;
            /** @description How many associations it may have at once, where that is configured. */
            max_associations?: number | null;
            /**
             * Format: int32
             * @description Where it listens, where that is configured.
             */
            port?: number | null;
        };
        /** @description Settings of a modality, as in `[[modality]]` of the configuration. PATCH: a field that is absent stays, null sets it back. */
        ModalitySettings: {
            /**
             * @description It must send from this address.
             * @example 192.168.1.20
             */
            address?: string | null;
            /**
             * @description Its AE title; fixed once it is added.
             * @example CT1
             */
            ae_title?: string | null;
            /**
             * @description For people.
             * @example CT, ground floor
             */
            description?: string | null;
            /**
             * @description Its associations at a time.
             * @example 4
             */
            max_associations?: number | null;
            /**
             * Format: int32
             * @description The port on which it answers a C-ECHO.
             * @example 104
             */
            port?: number | null;
            /**
             * @description How urgent its studies are, whatever they say themselves.
             * @example routine
             */
            service_level?: string | null;
        };
        /** @description Something that somebody was told. */
        Notification: {
            /** @description When it was made. */
            created_at: components["schemas"]["Time"];
            /**
             * Format: uuid
             * @description Its name.
             * @example 01997a00-0000-7000-8000-000000000001
             */
            id: string;
            /** @description Whether it was read. */
            is_read: boolean;
            /**
             * @description In a sentence.
             * @example The report on CT, Chest can be read.
             */
            message: string;
            /** @description What kind of thing happened. */
            notification_type: components["schemas"]["NotificationType"];
            /**
             * Format: uuid
             * @description The report it is about.
             */
            related_report_id?: string | null;
            /** @description The study it is about. */
            related_study_uid?: string | null;
            /**
             * Format: uuid
             * @description The upload it is about.
             */
            related_upload_id?: string | null;
            /**
             * @description In a few words.
             * @example Report ready
             */
            title: string;
            /** @description The same. */
            type: components["schemas"]["NotificationType"];
            /**
             * Format: uuid
             * @description Who was told.
             * @example 01997a00-0000-7000-8000-000000000001
             */
            user_id: string;
        };
        /**
         * @description Kinds of notifications.
         * @enum {string}
         */
        NotificationType: "upload_complete" | "upload_failed" | "report_assigned" | "report_ready" | "additional_data_required" | "pacs_unreachable" | "pacs_recovered" | "disk_low" | "security" | "study_held";
        /** @description A page of notifications. */
        Notifications: {
            /** @description Newest first. */
            notifications: components["schemas"]["Notification"][];
            /**
             * Format: int64
             * @description How many match in all.
             */
            total: number;
            /**
             * Format: int64
             * @description How many are unread in all.
             */
            unread_count: number;
        };
        NotifyBody: {
            /** @description By e-mail. */
            email: boolean;
            /** @description By web push. */
            push: boolean;
            /** @description Of these notification types; empty: of all. */
            types: string[];
        };
        NotifyPatch: {
            email?: boolean | null;
            push?: boolean | null;
            types?: string[] | null;
        };
        /**
         * @description How far what was uploaded is on its way.
         * @enum {string}
         */
        PacsStatus: "queued" | "forwarding" | "delivered" | "retrying" | "failed";
        /**
         * @description Who paused a destination.
         * @enum {string}
         */
        PauserName: "box" | "operator";
        /**
         * @description Periods.
         * @enum {string}
         */
        Period: "1w" | "2w" | "1m" | "3m" | "6m" | "all";
        /** @description What somebody chose. */
        Preferences: {
            /**
             * @description What uploads start with.
             * @example routine
             */
            default_service_level: string;
            /**
             * @description `comfortable` or `compact`.
             * @example comfortable
             */
            density: string;
            /**
             * @description A language tag.
             * @example en
             */
            language: string;
            /** @description How to be told. */
            notify: components["schemas"]["NotifyBody"];
            /**
             * @description `system`, `light` or `dark`.
             * @example system
             */
            theme: string;
            /**
             * @description An IANA name; absent: the site's.
             * @example Europe/Lisbon
             */
            time_zone?: string | null;
        };
        /** @description Preferences to change; absent ones stay. */
        PreferencesPatch: {
            default_service_level?: string | null;
            density?: string | null;
            /**
             * @description A language tag (BCP 47).
             * @example pt-BR
             */
            language?: string | null;
            notify?: components["schemas"]["NotifyPatch"] | null;
            /** @example dark */
            theme?: string | null;
            /**
             * @description Null: the site's.
             * @example Europe/Lisbon
             */
            time_zone?: string | null;
        };
        /** @description How urgent a study becomes. */
        PriorityBody: {
            /** @description Its new service level. */
            service_level: components["schemas"]["ServiceLevel"];
        };
        /** @description The body of a problem (RFC 9457 §3). */
        Problem: {
            /**
             * @description Why, for programs: one of the codes listed in the description of this contract.
             * @example invalid_request
             */
            code?: string | null;
            /** @description What happened this time. */
            detail: string;
            /** @description What is wrong, field by field. */
            errors?: components["schemas"]["FieldProblem"][];
            /** @description The path that was asked. */
            instance: string;
            /** @description With code incomplete: by file_id, the indexes of the chunks that are missing. */
            missing?: {
                [key: string]: number[];
            };
            /**
             * Format: int32
             * @description The HTTP status.
             * @example 422
             */
            status: number;
            /**
             * @description The kind in words.
             * @example The request does not say what it must
             */
            title: string;
            /** @description Names this request in the box's log. */
            trace_id: string;
            /**
             * @description Which kind: `about:blank` when the status says it all, else a path that names it.
             * @example /problems/invalid-request
             */
            type: string;
            /** @description With code DUPLICATE_STUDY: the upload that this one repeats. */
            upload_id?: string | null;
            uploaded_at?: components["schemas"]["Time"] | null;
            /** @description With code DUPLICATE_STUDY: who sent that one. */
            uploaded_by?: string | null;
        };
        /** @description A completion that goes on. */
        Processing: {
            /**
             * @description `processing`.
             * @example processing
             */
            status: string;
            /** @description The upload. */
            upload_id: string;
        };
        /**
         * @description Kinds of proof.
         * @enum {string}
         */
        ProofKind: "stow" | "qido" | "retrieve" | "file" | "etag";
        /** @description Which subscription to end. */
        PushEndpoint: {
            /**
             * @description Where it pushed.
             * @example https://push.example/abc
             */
            endpoint: string;
        };
        /** @description A browser's keys, base64url. */
        PushKeys: {
            /** @description Its authentication secret, 16 bytes. */
            auth: string;
            /** @description Its public key, P-256 uncompressed. */
            p256dh: string;
        };
        /** @description A browser's push subscription, as `PushSubscription.toJSON()` gives it. */
        PushSubscription: {
            /**
             * @description Where to push.
             * @example https://push.example/abc
             */
            endpoint: string;
            /**
             * Format: double
             * @description When it ends; not used.
             */
            expirationTime?: number | null;
            /** @description The browser's keys. */
            keys: components["schemas"]["PushKeys"];
        };
        /** @description Whether the box takes and keeps studies now. */
        Readiness: {
            /** @description Each condition. */
            checks: components["schemas"]["ReadinessCheck"][];
            /** @description Whether all checks hold. */
            ready: boolean;
        };
        /** @description One condition of readiness. */
        ReadinessCheck: {
            /** @description `catalogue`: log and catalogue can be written. `disk`: above the reserve. `dicom`: the SCP listens. */
            name: components["schemas"]["CheckName"];
            /** @description Whether it holds. */
            ok: boolean;
            /** @description Why it does not. */
            reason?: string | null;
        };
        /** @description A refresh token. */
        RefreshRequest: {
            /**
             * @description A name of this exchange: 16 to 64 random letters and digits, kept beside the token before it is sent. Where the answer is lost, the same
             *     token with the same name is answered again, while that answer is unused; without a name, for a minute.
             * @example 9f86d081884c7d659a2feaa0c55ad015
             */
            attempt?: string | null;
            /**
             * @description As it came with the last pair.
             * @example eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ…
             */
            refresh_token: string;
        };
        /** @description A rejected association. */
        Refusal: {
            /** @description When. */
            at: components["schemas"]["Time"];
            /** @description Why. */
            reason: string;
        };
        /** @description A report on a study. */
        Report: {
            /** @description When it was made. */
            created_at: components["schemas"]["Time"];
            /**
             * Format: uuid
             * @description Its name.
             * @example 01997a00-0000-7000-8000-000000000001
             */
            id: string;
            /** @description Whether the caller has read it as it is. */
            is_read: boolean;
            /**
             * @description (0008,0060).
             * @example CT
             */
            modality: string;
            /**
             * @description (0010,0010).
             * @example DOE^JANE
             */
            patient_name?: string | null;
            /** @description Who reports. */
            radiologist_name?: string | null;
            /** @description What it says; of a report that came as PDF its title. */
            report_text?: string | null;
            /** @description Where the PDF is, once it is ready. */
            report_url?: string | null;
            /**
             * @description How urgent the study is: `stat`, `emergency`, `routine` or `subspecialty`.
             * @example routine
             */
            service_level: string;
            /** @description How far it is. */
            status: components["schemas"]["ReportStatus"];
            /** @description (0008,1030). */
            study_description?: string | null;
            /**
             * @description The study.
             * @example 1.2.840.113619.2.55.3
             */
            study_instance_uid: string;
            /** @description When it was last changed. */
            updated_at: components["schemas"]["Time"];
            /**
             * Format: uuid
             * @description The upload with which the study came; absent: a modality sent it.
             */
            upload_id?: string | null;
            /**
             * Format: uuid
             * @description Who uploaded the study; null: a modality sent it.
             */
            user_id: string | null;
        };
        /** @description What a radiologist changes; absent fields stay. */
        ReportPatch: {
            /**
             * @description Who reports.
             * @example Dr. Ada Lovelace
             */
            radiologist_name?: string | null;
            /**
             * @description What the report says.
             * @example FINDINGS
             *     No focal lesion.
             */
            report_text?: string | null;
            status?: components["schemas"]["ReportStatus"] | null;
        };
        /**
         * @description How far a report is.
         * @enum {string}
         */
        ReportStatus: "assigned" | "pending" | "ready" | "additional_data_required";
        /** @description A page of reports. */
        Reports: {
            /** @description Newest first. */
            reports: components["schemas"]["Report"][];
            /**
             * Format: int64
             * @description How many match in all.
             */
            total: number;
            /** @description How many the caller has not read, by status, whatever was asked for. */
            unread: components["schemas"]["UnreadReports"];
        };
        /** @description Where to try again. */
        RetryBody: {
            /**
             * @description Only there; absent: everywhere.
             * @default null
             */
            destination?: string | null;
        };
        /** @description When an instance is tried again. */
        RetrySettings: {
            /**
             * @description At most this long after the first failure.
             * @example 5s
             */
            first?: string | null;
            /**
             * @description After this time it is held for somebody to look at.
             * @example 7d
             */
            horizon?: string | null;
            /**
             * @description At most this long after later ones.
             * @example 10m
             */
            max?: string | null;
        };
        /**
         * @description What somebody is to the box.
         * @example clinician
         * @enum {string}
         */
        Role: "clinician" | "radiographer" | "radiologist" | "admin";
        /** @description A job that runs by the clock. */
        ScheduledJob: {
            /** @description Its name. */
            job: string;
            last_run?: components["schemas"]["Time"] | null;
            next_run: components["schemas"]["Time"] | null;
            /** @description How that ended. */
            result?: string | null;
            /** @description Whether it runs now. */
            running: boolean;
        };
        /** @description What is looked for. */
        SearchBody: {
            /** @description `next_cursor` of the page before. */
            cursor?: string | null;
            /** @description Received at or after. */
            from?: string | null;
            /**
             * Format: int32
             * @description Page size.
             */
            limit?: number | null;
            /** @description Only studies with an instance of this modality (0008,0060). */
            modality?: string | null;
            /**
             * @description Part of a patient's name or id, of an accession number, or of a Study Instance UID; upper and lower case are the same.
             * @example doe
             */
            q?: string;
            /** @description Only studies that came in this way: `dicom` or `http`. */
            source?: string | null;
            /** @description Only studies with a delivery in this state. */
            state?: string | null;
            /** @description Received at or before. */
            to?: string | null;
        };
        /** @description A series. */
        Series: {
            /** @description (0008,103E). */
            description: string | null;
            /** @description Its instances. */
            instances: components["schemas"]["Instance"][];
            /** @description (0008,0060). */
            modality: string | null;
            /**
             * Format: int32
             * @description (0020,0011).
             */
            number: number | null;
            /** @description (0020,000E); null where it could not be read. */
            series_instance_uid: string | null;
        };
        /**
         * @description How urgent a study is, which is also the order of forwarding.
         * @enum {string}
         */
        ServiceLevel: "stat" | "emergency" | "routine" | "subspecialty";
        /** @description A device that is signed in. */
        Session: {
            /**
             * @description From where.
             * @example 192.0.2.7
             */
            address: string;
            /** @description When it signed in. */
            created_at: components["schemas"]["Time"];
            /** @description Whether it is the one that asks. */
            current: boolean;
            /** @description When it is signed out by itself. */
            expires_at: components["schemas"]["Time"];
            /**
             * Format: uuid
             * @description Its id.
             */
            id: string;
            /** @description When it last asked for something, to the minute. */
            last_seen_at: components["schemas"]["Time"];
            /**
             * @description What it says it is.
             * @example Mozilla/5.0
             */
            user_agent: string;
        };
        /**
         * @description How bad an alert is.
         * @enum {string}
         */
        SeverityName: "warning" | "error";
        /**
         * @description How a study came in.
         * @enum {string}
         */
        SourceName: "dicom" | "http";
        /**
         * @description Whether a destination answers.
         * @enum {string}
         */
        StateName: "up" | "down" | "unknown";
        /** @description Totals of a period. */
        Stats: {
            /** @description How long studies took to each destination. */
            destinations: {
                [key: string]: components["schemas"]["DestinationStats"];
            };
            /**
             * Format: int64
             * @description Those that were not.
             * @example 1
             */
            failed_uploads: number;
            /**
             * Format: date-time
             * @description When something was last counted; with nothing counted yet, now.
             */
            last_updated: string;
            /** @description How many of each modality. */
            modality: {
                [key: string]: number;
            };
            period: components["schemas"]["Period"];
            /** @description How many of each service level. */
            service_level: {
                [key: string]: number;
            };
            /** @description How many by each entrance, `http` and `dicom`. */
            source: {
                [key: string]: number;
            };
            /**
             * Format: double
             * @description Share of those taken in percent; 0 where there are none.
             * @example 99.2
             */
            success_rate: number;
            /**
             * Format: int64
             * @description Those that were taken.
             * @example 119
             */
            successful_uploads: number;
            /**
             * Format: int64
             * @description Their bytes.
             */
            total_bytes: number;
            /**
             * Format: int64
             * @description Uploads and C-STORE studies, failed ones included.
             * @example 120
             */
            total_uploads: number;
        };
        /** @description One step of trying a destination. */
        Step: {
            /** @description What was seen. */
            detail?: string | null;
            /**
             * Format: int64
             * @description How long it took, in milliseconds.
             */
            ms: number;
            /** @description Whether it succeeded. */
            ok: boolean;
            /** @description Which. */
            step: components["schemas"]["StepName"];
        };
        /**
         * @description The steps of trying a destination (the first five) or a modality (`dns`, `tcp`, `association`, `echo`).
         * @enum {string}
         */
        StepName: "dns" | "tcp" | "tls" | "auth" | "service" | "association" | "echo";
        /** @description A page of studies, newest first. */
        Studies: {
            /** @description Where the next page begins; absent on the last one. */
            next_cursor?: string | null;
            /** @description The studies. */
            studies: components["schemas"]["Study"][];
            /**
             * Format: int64
             * @description How many match in all.
             */
            total: number;
        };
        /** @description A study as lists show it. */
        Study: {
            /** @description (0008,0050). */
            accession_number?: string | null;
            /**
             * Format: int64
             * @description Their bytes.
             */
            bytes: number;
            /** @description Who sent it. */
            calling_ae?: string | null;
            /** @description Whether no more instances are expected. */
            complete: boolean;
            /** @description Where it stands on its way to each destination. */
            deliveries: components["schemas"]["StudyDelivery"][];
            /** @description (0008,1030). */
            description?: string | null;
            /** @description What is unusual about it. */
            flags: components["schemas"]["FlagName"][];
            /**
             * Format: int64
             * @description Its instances in the buffer.
             */
            instances: number;
            /** @description (0008,0060) of its instances. */
            modalities: string[];
            /** @description (0010,0020). */
            patient_id?: string | null;
            /** @description (0010,0010). */
            patient_name?: string | null;
            /** @description When its first instance arrived. */
            received_at: components["schemas"]["Time"];
            /** @description How urgent it is. */
            service_level: components["schemas"]["ServiceLevel"];
            /** @description How it came in. */
            source: components["schemas"]["SourceName"];
            /** @description (0008,0020), `YYYYMMDD`; null where the header has none. */
            study_date: string | null;
            /** @description (0020,000D); null for an instance whose study could not be read. */
            study_instance_uid: string | null;
        };
        /** @description A study on its way to one destination. */
        StudyDelivery: {
            /** @description The destination; null: none takes it. */
            destination: string | null;
            /**
             * Format: int64
             * @description Instances proven there.
             */
            done: number;
            error?: components["schemas"]["DeliveryError"] | null;
            next_try?: components["schemas"]["Time"] | null;
            proven_at?: components["schemas"]["Time"] | null;
            /** @description How far it is. */
            state: components["schemas"]["DeliveryState"];
            /**
             * Format: int64
             * @description Instances that go there.
             */
            total: number;
        };
        /** @description A study with its series and instances. */
        StudyDetail: components["schemas"]["Study"] & {
            /** @description Its series. */
            series: components["schemas"]["Series"][];
        };
        /** @description What the sender says about the study. */
        StudyMetadata: {
            /** @description As typed. */
            age?: string | null;
            /** @description As typed. */
            gender?: string | null;
            /**
             * @description A DICOM modality; `XR`, `XC`, `MRI` and `PET` are taken for `DX`, `RF`, `MR` and `PT`.
             * @example CT
             */
            modality: string;
            /**
             * @description The patient's name.
             * @example DOE^JANE
             */
            patient_name: string;
            service_level?: components["schemas"]["ServiceLevel"] | null;
            /**
             * @description The day of the study.
             * @example 2026-01-15
             */
            study_date: string;
            /** @description As typed. */
            study_description?: string | null;
            /** @description Where it is known. */
            study_instance_uid?: string | null;
        };
        /** @description The box at one moment. */
        System: {
            /** @description The addresses under which scanners and people reach the box. */
            addresses: string[];
            /** @description The AE title scanners call. */
            ae_title: string;
            /** @description What needs somebody, worst first. */
            alerts: components["schemas"]["Alert"][];
            /** @description Which build of it. */
            build: string;
            certificate: components["schemas"]["SystemCertificate"] | null;
            /** @description Whether that clock follows a time server; null: the kernel does not say. */
            clock_synchronised: boolean | null;
            /** @description Every destination's state. */
            destinations: components["schemas"]["DestinationState"][];
            /**
             * Format: int32
             * @description The port scanners call; 0: off.
             */
            dicom_port: number;
            /** @description The buffer's share of the disk. */
            disk: components["schemas"]["Disk"];
            /** @description The machine's name. */
            node_name: string;
            queue: components["schemas"]["SystemQueue"] | null;
            /** @description Whether it takes and keeps studies now. */
            ready: boolean;
            /** @description Jobs that run by the clock. */
            schedule: components["schemas"]["ScheduledJob"][];
            /** @description The box's wall clock. */
            time: components["schemas"]["Time"];
            /**
             * Format: int64
             * @description Seconds the daemon has been running.
             */
            uptime_s: number;
            /** @description The release. */
            version: string;
        };
        /** @description The TLS certificate in short. */
        SystemCertificate: {
            /** @description Who issued it. */
            issuer: string;
            /** @description Until when it is good. */
            not_after: components["schemas"]["Time"];
            /** @description SHA-256 of the certificate. */
            sha256: string;
        };
        /** @description What anybody may know of the box. */
        SystemPublic: {
            /**
             * @description Languages of the page.
             * @example [
             *       "en",
             *       "fr",
             *       "ar"
             *     ]
             */
            languages: string[];
            /** @description Limits of uploads. */
            limits: components["schemas"]["UploadLimits"];
            /**
             * @description Where the page's errors are filed, while error tracking is on; they are sent to `/telemetry`.
             * @example https://9e8d7c6b5a493827160f5e4d3c2b1a09@sentry.example/1
             */
            sentry_dsn?: string | null;
            /** @description Whether there is no admin yet: the page leads to `/setup`. */
            setup_required: boolean;
            /**
             * @description The release.
             * @example 0.1.0
             */
            version: string;
        };
        /** @description What waits for all destinations together. */
        SystemQueue: {
            /**
             * Format: int64
             * @description Their bytes.
             */
            bytes: number;
            /**
             * Format: int64
             * @description Held instances, which need somebody.
             */
            held: number;
            /**
             * Format: int64
             * @description Instances waiting.
             */
            instances: number;
            /** @description The same by service level, most urgent first. */
            levels: components["schemas"]["LevelQueue"][];
            /**
             * Format: int64
             * @description Seconds the oldest has been waiting; null: nothing waits.
             */
            oldest_s: number | null;
            /**
             * Format: int64
             * @description Studies with something waiting.
             */
            studies: number;
        };
        /**
         * Format: date-time
         * @description A point of time in a body.
         * @example 2026-11-23T02:13:20.123Z
         */
        Time: string;
        /** @description A pair of tokens. */
        TokenPair: {
            /**
             * @description For `Authorization: Bearer`.
             * @example eyJhbGciOiJSUzI1NiJ9.eyJ0eXAiOiJhY2Nlc3MifQ.c2lnbmVk
             */
            access_token: string;
            /**
             * Format: int64
             * @description Seconds until the access token is over.
             * @example 900
             */
            expires_in: number;
            /**
             * @description For one exchange at `/auth/refresh`.
             * @example eyJhbGciOiJSUzI1NiJ9.eyJ0eXAiOiJyZWZyZXNoIn0.c2lnbmVk
             */
            refresh_token: string;
            /**
             * @description Always `bearer`.
             * @example bearer
             */
            token_type: string;
        };
        /** @description A secret on offer. */
        TotpOffer: {
            /**
             * @description For opening in an app.
             * @example otpauth://totp/RelayPACS:ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=RelayPACS
             */
            provisioning_uri: string;
            /**
             * @description The same as a picture to scan: a PNG as a data URI.
             * @example data:image/png;base64,iVBORw0KGgo=
             */
            qr_code: string;
            /**
             * @description Base32, for typing into an app.
             * @example JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP
             */
            secret: string;
        };
        /** @description Whether the second factor is on, and its recovery codes when it was just turned on. */
        TotpState: {
            /**
             * @description Whether it is on.
             * @example true
             */
            enabled: boolean;
            /** @description Each signs in once instead of a code; shown only now. */
            recovery_codes?: string[];
        };
        /** @description A period day by day. */
        Trend: {
            /** @description Every day, oldest first, without gaps. */
            data: components["schemas"]["TrendDay"][];
            period: components["schemas"]["Period"];
            summary: components["schemas"]["TrendSummary"];
        };
        /** @description One day in the site's time zone. */
        TrendDay: {
            /**
             * Format: int64
             * @description Its bytes.
             */
            bytes: number;
            /**
             * Format: int64
             * @description What came, failed ones included.
             */
            count: number;
            /**
             * Format: date
             * @example 2026-11-23
             */
            date: string;
            /**
             * Format: int64
             * @description What was not taken.
             */
            failed: number;
        };
        /** @description All days of a trend together. */
        TrendSummary: {
            /**
             * Format: double
             * @description What came on an average day.
             */
            average_per_day: number;
            /**
             * Format: date
             * @description The day on which most came; null: nothing came.
             */
            busiest_day: string | null;
            /**
             * Format: int64
             * @description Its bytes.
             */
            bytes: number;
            /**
             * Format: int64
             * @description What came, failed ones included.
             */
            count: number;
            /**
             * Format: int64
             * @description What was not taken.
             */
            failed: number;
        };
        /** @description A code, and the secret it proves. */
        TwoFactorEnable: {
            /**
             * @description Six digits of the authenticator app.
             * @example 123456
             */
            code: string;
            /** @description The secret that `/auth/2fa/setup` gave. */
            secret?: string | null;
        };
        /** @description Unread reports by status. */
        UnreadReports: {
            /** Format: int64 */
            additional_data_required: number;
            /** Format: int64 */
            assigned: number;
            /** Format: int64 */
            pending: number;
            /** Format: int64 */
            ready: number;
        };
        /** @description What became of an upload. */
        UploadCompleteResponse: {
            /**
             * Format: int64
             * @description Files that were not, though they should have been.
             */
            failed_files: number;
            /** @description File by file; of an archive its entries. */
            files: components["schemas"]["FileOutcomeBody"][];
            /** @description What the PACS calls it, once all is delivered. */
            pacs_receipt_id: string | null;
            /**
             * Format: int64
             * @description Files taken over.
             */
            processed_files: number;
            /** @description The report on its (first) study. */
            report_id: string | null;
            /** @description The reports on all its studies. */
            report_ids: string[];
            /**
             * @description `success`, `partial_success` or `failed`.
             * @example success
             */
            status: string;
            /** @description Its name. */
            upload_id: string;
            /** @description What the sender should know. */
            warnings: string[];
        };
        /** @description What an upload is to be. */
        UploadInitRequest: {
            /**
             * Format: int64
             * @description Bytes of every chunk but a file's last (5 MiB if absent).
             */
            chunk_size?: number | null;
            /** @description What the radiologist should know; travels with the study as a DICOM object. */
            clinical_history?: string | null;
            /** @description The files, where they are known beforehand. */
            files?: components["schemas"]["FileInit"][] | null;
            /** @description Upload a study again that was uploaded within the last 30 days. */
            force_upload?: boolean;
            /** @description About the study. */
            study_metadata: components["schemas"]["StudyMetadata"];
            /**
             * Format: int64
             * @description How many files come.
             * @example 1
             */
            total_files: number;
            /**
             * Format: int64
             * @description How many bytes they have together.
             * @example 527000
             */
            total_size_bytes: number;
        };
        /** @description An upload that has begun. */
        UploadInitResponse: {
            /**
             * Format: int32
             * @description Bytes of every chunk but a file's last.
             */
            chunk_size: number;
            /** @description Until when it is kept if no chunk comes. */
            expires_at: components["schemas"]["Time"];
            /** @description The same. */
            session_token: string;
            /** @description Its name. */
            upload_id: string;
            /** @description Send it with every chunk as `X-Upload-Token`. */
            upload_token: string;
            /** @description What the sender should know. */
            warning: string | null;
        };
        /** @description Limits of uploads. */
        UploadLimits: {
            /**
             * Format: int32
             * @description Chunk bytes in a batch.
             */
            batch_max_bytes: number;
            /**
             * Format: int32
             * @description Biggest chunk, in bytes.
             */
            chunk_max: number;
            /**
             * Format: int32
             * @description Smallest chunk that can be asked for, in bytes.
             */
            chunk_min: number;
            /**
             * Format: int32
             * @description Files of an upload.
             */
            max_files: number;
            /**
             * Format: int64
             * @description Bytes of an upload.
             */
            max_upload_bytes: number;
        };
        /** @description A page of uploads. */
        UploadList: {
            /**
             * Format: int64
             * @description How many there are.
             */
            total: number;
            /** @description Newest first. */
            uploads: components["schemas"]["UploadSummary"][];
        };
        /**
         * @description How far an upload is.
         * @enum {string}
         */
        UploadState: "pending" | "uploading" | "processing" | "complete" | "failed" | "expired";
        /** @description How far an upload is. */
        UploadStatusResponse: {
            /**
             * Format: int64
             * @description Chunks stored.
             */
            chunks_received: number;
            /**
             * Format: int64
             * @description Chunks in all; null where the files were not announced.
             */
            chunks_total: number | null;
            /** @description Its files by `file_id`. */
            files: {
                [key: string]: components["schemas"]["FileStatusBody"];
            };
            /** @description What the PACS calls it, once all is delivered. */
            pacs_receipt_id: string | null;
            /** @description How far it is on its way to the destinations. */
            pacs_status: components["schemas"]["PacsStatus"];
            /**
             * Format: int32
             * @description 0 to 100.
             */
            progress_percent: number;
            result?: components["schemas"]["UploadCompleteResponse"] | null;
            /** @description How far. */
            state: components["schemas"]["UploadState"];
            /** @description The studies it brought, once it is complete. */
            study_instance_uids: string[];
            /**
             * Format: int64
             * @description Bytes announced.
             */
            total_bytes: number;
            /** @description Its name. */
            upload_id: string;
            /**
             * Format: int64
             * @description Bytes of stored chunks.
             */
            uploaded_bytes: number;
        };
        /** @description An upload in a list. */
        UploadSummary: {
            completed_at?: components["schemas"]["Time"] | null;
            /** @description When it began. */
            created_at: components["schemas"]["Time"];
            /** @description The modality. */
            modality: string;
            /** @description How far it is on its way to the destinations. */
            pacs_status: components["schemas"]["PacsStatus"];
            /** @description As it was typed. */
            patient_name: string;
            /**
             * Format: int32
             * @description 0 to 100.
             */
            progress_percent: number;
            /** @description How urgent. */
            service_level: components["schemas"]["ServiceLevel"];
            /** @description How far. */
            state: components["schemas"]["UploadState"];
            /**
             * Format: int64
             * @description Bytes announced.
             */
            total_bytes: number;
            /**
             * Format: int32
             * @description Files announced.
             */
            total_files: number;
            /** @description Its name. */
            upload_id: string;
            /** @description Whose it is. */
            username: string;
        };
        /** @description A token for an upload. */
        UploadToken: {
            /**
             * @description Good for 24 hours.
             * @example eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ…
             */
            upload_token: string;
        };
        /** @description An account that an admin makes. */
        UserAdd: {
            /**
             * @description An e-mail address.
             * @example ada@clinic.example
             */
            email: string;
            /**
             * @description Who it is.
             * @example Ada Lovelace
             */
            full_name?: string | null;
            /**
             * Format: password
             * @description The rules are those of `UserCreate`.
             * @example Correct-Horse-7
             */
            password: string;
            role?: components["schemas"]["Role"] | null;
            /**
             * @description Letters, digits, `_` and `-`; taken for good, in any case.
             * @example ada
             */
            username: string;
        };
        /** @description A new account. */
        UserCreate: {
            /**
             * @description An e-mail address.
             * @example ada@clinic.example
             */
            email: string;
            /**
             * @description Who it is.
             * @example Ada Lovelace
             */
            full_name?: string | null;
            /**
             * @description The code of an invite.
             * @example K7RM-2WPX-9QTH-4ZNB
             */
            invite?: string | null;
            /**
             * Format: password
             * @description At least one upper-case letter, lower-case letter, digit and other character; not containing the username.
             * @example Correct-Horse-7
             */
            password: string;
            role?: components["schemas"]["Role"] | null;
            /**
             * @description The code that makes the first admin.
             * @example K7RM-2WPX
             */
            setup_code?: string | null;
            /**
             * @description Letters, digits, `_` and `-`; taken for good, in any case.
             * @example ada
             */
            username: string;
        };
        /** @description What to change of an account; absent fields stay. */
        UserPatch: {
            /** @description Where it gets mail. */
            email?: string | null;
            /** @description Who it is. */
            full_name?: string | null;
            /** @description Whether it can sign in; switched off, its sessions end. */
            is_active?: boolean | null;
            /** @description False: it may try again after failed sign-ins. */
            locked?: boolean | null;
            role?: components["schemas"]["Role"] | null;
            /** @description True: its second factor is taken away. */
            totp_reset?: boolean | null;
        };
        /** @description An account. */
        UserResponse: {
            /** @description When it was made. */
            created_at: components["schemas"]["Time"];
            /**
             * @description Where it gets mail.
             * @example ada@clinic.example
             */
            email: string;
            /**
             * @description Who it is.
             * @example Ada Lovelace
             */
            full_name: string;
            /**
             * Format: uuid
             * @description Its id.
             * @example 01997a00-0000-7000-8000-000000000001
             */
            id: string;
            /** @description Whether it can sign in. */
            is_active: boolean;
            /** @description Whether it has to wait after failed sign-ins. */
            locked: boolean;
            /** @description When it got the password it has. */
            password_changed_at: components["schemas"]["Time"];
            /** @description What it chose. */
            preferences: components["schemas"]["Preferences"];
            /** @description What it may do. */
            role: components["schemas"]["Role"];
            /** @description Whether its second factor is on. */
            totp_enabled: boolean;
            /**
             * @description Its name.
             * @example ada
             */
            username: string;
        };
        /** @description The key with which the box signs pushes. */
        VapidKey: {
            /**
             * @description P-256 uncompressed, base64url: the `applicationServerKey` of `pushManager.subscribe`.
             * @example BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM
             */
            key: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    list_audit: {
        parameters: {
            query?: {
                /** @description At most this many, 1 to 500; default 50. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: number;
                /**
                 * @description Only of this actor.
                 * @example ada
                 */
                actor?: string;
                /**
                 * @description Only this action.
                 * @example sign_in
                 */
                action?: string;
                /**
                 * @description Only about this object.
                 * @example user ada
                 */
                object?: string;
                /**
                 * @description Not before: a time (RFC 3339) or a day.
                 * @example 2026-11-23
                 */
                from?: string;
                /**
                 * @description Not after: a time (RFC 3339) or a day.
                 * @example 2026-11-23
                 */
                to?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of the trail */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditList"];
                };
            };
            /** @description an unknown parameter */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "an unknown parameter",
                     *       "instance": "/api/v1/audit",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/audit",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for admins",
                     *       "instance": "/api/v1/audit",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a value that makes no sense */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a value that makes no sense",
                     *       "instance": "/api/v1/audit",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/audit",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/audit",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    export_audit: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description one `AuditEntry` a line */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/jsonl": components["schemas"]["AuditEntry"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/audit/export",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for admins",
                     *       "instance": "/api/v1/audit/export",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/audit/export",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/audit/export",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    two_factor_disable: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CodeRequest"];
            };
        };
        responses: {
            /** @description it is off */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TotpState"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/auth/2fa/disable",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/auth/2fa/disable",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the code is wrong */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "the code is wrong",
                     *       "instance": "/api/v1/auth/2fa/disable",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description it is not on */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "it is not on",
                     *       "instance": "/api/v1/auth/2fa/disable",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/auth/2fa/disable",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/auth/2fa/disable",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field is missing */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field is missing",
                     *       "instance": "/api/v1/auth/2fa/disable",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many wrong codes */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many wrong codes",
                     *       "instance": "/api/v1/auth/2fa/disable",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/2fa/disable",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    two_factor_enable: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TwoFactorEnable"];
            };
        };
        responses: {
            /** @description it is on */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TotpState"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/auth/2fa/enable",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/auth/2fa/enable",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the code is wrong */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "the code is wrong",
                     *       "instance": "/api/v1/auth/2fa/enable",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description it is on already, or no secret is on offer */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "it is on already, or no secret is on offer",
                     *       "instance": "/api/v1/auth/2fa/enable",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/auth/2fa/enable",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/auth/2fa/enable",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field is missing */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field is missing",
                     *       "instance": "/api/v1/auth/2fa/enable",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many wrong codes */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many wrong codes",
                     *       "instance": "/api/v1/auth/2fa/enable",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/2fa/enable",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    two_factor_setup: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the secret on offer */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TotpOffer"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/auth/2fa/setup",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description only somebody with an account has one */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "only somebody with an account has one",
                     *       "instance": "/api/v1/auth/2fa/setup",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description it is on already */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "it is on already",
                     *       "instance": "/api/v1/auth/2fa/setup",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/auth/2fa/setup",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/2fa/setup",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    change_password: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangePassword"];
            };
        };
        responses: {
            /** @description changed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/auth/change-password",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/auth/change-password",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the current password is wrong */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "the current password is wrong",
                     *       "instance": "/api/v1/auth/change-password",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/auth/change-password",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/auth/change-password",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the new password breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "the new password breaks a rule",
                     *       "instance": "/api/v1/auth/change-password",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many failures */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many failures",
                     *       "instance": "/api/v1/auth/change-password",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/change-password",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    jwks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the keys, the signing one last */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Jwks"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/auth/jwks.json",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LoginRequest"];
            };
        };
        responses: {
            /** @description signed in */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenPair"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/auth/login",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description username, password or code are wrong */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_credentials",
                     *       "detail": "username, password or code are wrong",
                     *       "instance": "/api/v1/auth/login",
                     *       "status": 401,
                     *       "title": "Invalid credentials or authentication code",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-credentials"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a code is needed (X-TOTP-Required: true), or the account is switched off */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "a code is needed (X-TOTP-Required: true), or the account is switched off",
                     *       "instance": "/api/v1/auth/login",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/auth/login",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/auth/login",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field is missing */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field is missing",
                     *       "instance": "/api/v1/auth/login",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many failures */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many failures",
                     *       "instance": "/api/v1/auth/login",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/login",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["LogoutRequest"] | null;
            };
        };
        responses: {
            /** @description signed out */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "message": "signed out"
                     *     }
                     */
                    "application/json": unknown;
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/auth/logout",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/auth/logout",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description only somebody with an account has a session */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "only somebody with an account has a session",
                     *       "instance": "/api/v1/auth/logout",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/auth/logout",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/auth/logout",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field makes no sense */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field makes no sense",
                     *       "instance": "/api/v1/auth/logout",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/auth/logout",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/logout",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description one's own account */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserResponse"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description only somebody with an account has one */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "only somebody with an account has one",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    change_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MePatch"];
            };
        };
        responses: {
            /** @description the account after the change */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserResponse"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description only somebody with an account has one */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "only somebody with an account has one",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field breaks a rule",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    export_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description account, sessions, uploads, reports on them, notifications, and what the audit trail says the caller did */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "account": {
                     *         "username": "ada"
                     *       },
                     *       "audit": [],
                     *       "notifications": [],
                     *       "reports": [],
                     *       "sessions": [],
                     *       "uploads": []
                     *     }
                     */
                    "application/json": unknown;
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/auth/me/export",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description only somebody with an account has data */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "only somebody with an account has data",
                     *       "instance": "/api/v1/auth/me/export",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/auth/me/export",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/me/export",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    refresh: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RefreshRequest"];
            };
        };
        responses: {
            /** @description a new pair */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenPair"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/auth/refresh",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the token is not valid, was used before (its session has ended), or its session has ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "the token is not valid, was used before (its session has ended), or its session has ended",
                     *       "instance": "/api/v1/auth/refresh",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the account is switched off */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "the account is switched off",
                     *       "instance": "/api/v1/auth/refresh",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/auth/refresh",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/auth/refresh",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field is missing or breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field is missing or breaks a rule",
                     *       "instance": "/api/v1/auth/refresh",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/auth/refresh",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/refresh",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    refresh_upload_token: {
        parameters: {
            query: {
                /** @description The upload. */
                upload_id: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the token */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadToken"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/auth/refresh-upload-token",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "not signed in",
                     *       "instance": "/api/v1/auth/refresh-upload-token",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description somebody else's */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "somebody else's",
                     *       "instance": "/api/v1/auth/refresh-upload-token",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such upload */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such upload",
                     *       "instance": "/api/v1/auth/refresh-upload-token",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/auth/refresh-upload-token",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/auth/refresh-upload-token",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/refresh-upload-token",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    register: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserCreate"];
            };
        };
        responses: {
            /** @description made and signed in */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenPair"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/auth/register",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the access token is not valid */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "the access token is not valid",
                     *       "instance": "/api/v1/auth/register",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the code is wrong, used, or over; or the caller is no admin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "the code is wrong, used, or over; or the caller is no admin",
                     *       "instance": "/api/v1/auth/register",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the username is taken */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "the username is taken",
                     *       "instance": "/api/v1/auth/register",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/auth/register",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/auth/register",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field breaks a rule",
                     *       "instance": "/api/v1/auth/register",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many wrong codes */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many wrong codes",
                     *       "instance": "/api/v1/auth/register",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/register",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_sessions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description one's own sessions */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"][];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/auth/sessions",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description only somebody with an account has sessions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "only somebody with an account has sessions",
                     *       "instance": "/api/v1/auth/sessions",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/auth/sessions",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/sessions",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    session: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a session of one's own */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the session */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description the path cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the path cannot be read",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description only somebody with an account has sessions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "only somebody with an account has sessions",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such session of one's own */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such session of one's own",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    end_session: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a session of one's own */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description signed out */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description only somebody with an account has sessions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "only somebody with an account has sessions",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such session of one's own */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such session of one's own",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_destinations: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description all destinations */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Destination"][];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/destinations",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/destinations",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/destinations",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    add_destination: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DestinationSettings"];
            };
        };
        responses: {
            /** @description added */
            201: {
                headers: {
                    /** @description its path */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Destination"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/destinations",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/destinations",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for admins",
                     *       "instance": "/api/v1/destinations",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the name is taken */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "the name is taken",
                     *       "instance": "/api/v1/destinations",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/destinations",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is not JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body is not JSON",
                     *       "instance": "/api/v1/destinations",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field makes no sense */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field makes no sense",
                     *       "instance": "/api/v1/destinations",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/destinations",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/destinations",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    destination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description its name
                 * @example pacs
                 */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the destination */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DestinationDetail"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/destinations/{name}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/destinations/{name}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for admins",
                     *       "instance": "/api/v1/destinations/{name}",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such destination */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such destination",
                     *       "instance": "/api/v1/destinations/{name}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/destinations/{name}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/destinations/{name}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_destination: {
        parameters: {
            query?: {
                /** @description Give up, for good, what waits for it. Without it, a destination with work queued is not deleted. */
                give_up?: boolean;
            };
            header?: never;
            path: {
                /**
                 * @description its name
                 * @example pacs
                 */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the query cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the query cannot be read",
                     *       "instance": "/api/v1/destinations/{name}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/destinations/{name}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for admins",
                     *       "instance": "/api/v1/destinations/{name}",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such destination */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such destination",
                     *       "instance": "/api/v1/destinations/{name}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description it stands in the configuration file, or work is queued for it */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "it stands in the configuration file, or work is queued for it",
                     *       "instance": "/api/v1/destinations/{name}",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/destinations/{name}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/destinations/{name}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    change_destination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description its name
                 * @example pacs
                 */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DestinationSettings"];
            };
        };
        responses: {
            /** @description changed and in use */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Destination"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/destinations/{name}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/destinations/{name}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for admins",
                     *       "instance": "/api/v1/destinations/{name}",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such destination */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such destination",
                     *       "instance": "/api/v1/destinations/{name}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description it stands in the configuration file */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "it stands in the configuration file",
                     *       "instance": "/api/v1/destinations/{name}",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/destinations/{name}",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is not JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body is not JSON",
                     *       "instance": "/api/v1/destinations/{name}",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field makes no sense */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field makes no sense",
                     *       "instance": "/api/v1/destinations/{name}",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/destinations/{name}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/destinations/{name}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    try_destination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description its name
                 * @example pacs
                 */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description tried; ok says how it went */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Echo"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/destinations/{name}/echo",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/destinations/{name}/echo",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for radiographers and admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for radiographers and admins",
                     *       "instance": "/api/v1/destinations/{name}/echo",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such destination */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such destination",
                     *       "instance": "/api/v1/destinations/{name}/echo",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/destinations/{name}/echo",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    inspect: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": number[];
            };
        };
        responses: {
            /** @description what it says */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InspectResult"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/dicom/inspect",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body did not arrive */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body did not arrive",
                     *       "instance": "/api/v1/dicom/inspect",
                     *       "status": 408,
                     *       "title": "Request Timeout",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no DICOM, or its header is longer than what was sent */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "no DICOM, or its header is longer than what was sent",
                     *       "instance": "/api/v1/dicom/inspect",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many",
                     *       "instance": "/api/v1/dicom/inspect",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    live_events: {
        parameters: {
            query?: {
                /** @description the access token, for clients that can send no header */
                token?: string;
            };
            header?: {
                /** @description the id of the last event seen: what was missed is told first */
                "Last-Event-ID"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a stream of events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example retry: 3000
                     *
                     *     id: 19a-7
                     *     event: unread_count
                     *     data: {"count":1}
                     */
                    "text/event-stream": string;
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/events",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/events",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/events",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/events",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_modalities: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description all modalities, by AE title */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Modality"][];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/modalities",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/modalities",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    add_modality: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ModalitySettings"];
            };
        };
        responses: {
            /** @description added */
            201: {
                headers: {
                    /** @description its path */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Modality"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/modalities",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/modalities",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for admins",
                     *       "instance": "/api/v1/modalities",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description it is there already */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "it is there already",
                     *       "instance": "/api/v1/modalities",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/modalities",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is not JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body is not JSON",
                     *       "instance": "/api/v1/modalities",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field makes no sense */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field makes no sense",
                     *       "instance": "/api/v1/modalities",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/modalities",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/modalities",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    modality: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description its AE title
                 * @example CT1
                 */
                ae_title: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description who it is and when it last sent */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Modality"];
                };
            };
            /** @description the path cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the path cannot be read",
                     *       "instance": "/api/v1/modalities/{ae_title}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/modalities/{ae_title}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such modality */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such modality",
                     *       "instance": "/api/v1/modalities/{ae_title}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/modalities/{ae_title}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/modalities/{ae_title}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_modality: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description its AE title
                 * @example CT1
                 */
                ae_title: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/modalities/{ae_title}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/modalities/{ae_title}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for admins",
                     *       "instance": "/api/v1/modalities/{ae_title}",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such modality */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such modality",
                     *       "instance": "/api/v1/modalities/{ae_title}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description it stands in the configuration file */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "it stands in the configuration file",
                     *       "instance": "/api/v1/modalities/{ae_title}",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/modalities/{ae_title}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/modalities/{ae_title}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    change_modality: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description its AE title
                 * @example CT1
                 */
                ae_title: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ModalitySettings"];
            };
        };
        responses: {
            /** @description changed; holds for the next association */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Modality"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/modalities/{ae_title}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/modalities/{ae_title}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for admins",
                     *       "instance": "/api/v1/modalities/{ae_title}",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such modality */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such modality",
                     *       "instance": "/api/v1/modalities/{ae_title}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description it stands in the configuration file */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "it stands in the configuration file",
                     *       "instance": "/api/v1/modalities/{ae_title}",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/modalities/{ae_title}",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is not JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body is not JSON",
                     *       "instance": "/api/v1/modalities/{ae_title}",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field makes no sense */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field makes no sense",
                     *       "instance": "/api/v1/modalities/{ae_title}",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/modalities/{ae_title}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/modalities/{ae_title}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    try_modality: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description its AE title
                 * @example CT1
                 */
                ae_title: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description tried; ok says how it went */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Echo"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/modalities/{ae_title}/echo",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/modalities/{ae_title}/echo",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for radiographers and admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for radiographers and admins",
                     *       "instance": "/api/v1/modalities/{ae_title}/echo",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such modality */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such modality",
                     *       "instance": "/api/v1/modalities/{ae_title}/echo",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description its address or port is not set */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "its address or port is not set",
                     *       "instance": "/api/v1/modalities/{ae_title}/echo",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/modalities/{ae_title}/echo",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/modalities/{ae_title}/echo",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_notifications: {
        parameters: {
            query?: {
                /** @description At most this many. */
                limit?: number;
                /** @description After this many. */
                offset?: number;
                /** @description Only unread ones. */
                unread_only?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of notifications */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Notifications"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/notifications",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/notifications",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a value makes no sense */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a value makes no sense",
                     *       "instance": "/api/v1/notifications",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/notifications",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/notifications",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    subscribe_push: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PushSubscription"];
            };
        };
        responses: {
            /** @description subscribed */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description only somebody with an account has this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "only somebody with an account has this",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is no JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body is no JSON",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field breaks a rule",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    unsubscribe_push: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PushEndpoint"];
            };
        };
        responses: {
            /** @description not subscribed, whether it was or not */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is no JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body is no JSON",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field breaks a rule",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_all_notifications: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description how many were unread */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Marked"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/notifications/read-all",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/notifications/read-all",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/notifications/read-all",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    live_notifications: {
        parameters: {
            query?: {
                /** @description the access token, for clients that can send no header */
                token?: string;
            };
            header?: {
                /** @description the id of the last event seen: what was missed is told first */
                "Last-Event-ID"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a stream of `notification` and `unread_count` events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example retry: 3000
                     *
                     *     id: 19a-9
                     *     event: unread_count
                     *     data: {"count":0}
                     */
                    "text/event-stream": string;
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/notifications/stream",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/notifications/stream",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/notifications/stream",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/notifications/stream",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    vapid_key: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the key */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VapidKey"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/notifications/vapid-key",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/notifications/vapid-key",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_notification: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a notification */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deleted"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/notifications/{id}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/notifications/{id}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such notification of the caller's */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such notification of the caller's",
                     *       "instance": "/api/v1/notifications/{id}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/notifications/{id}",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/notifications/{id}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/notifications/{id}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_notification: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a notification */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the notification, read */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Notification"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/notifications/{id}/read",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/notifications/{id}/read",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such notification of the caller's */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such notification of the caller's",
                     *       "instance": "/api/v1/notifications/{id}/read",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/notifications/{id}/read",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/notifications/{id}/read",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/notifications/{id}/read",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    unread_notification: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a notification */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the notification, unread */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Notification"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/notifications/{id}/unread",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/notifications/{id}/unread",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such notification of the caller's */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such notification of the caller's",
                     *       "instance": "/api/v1/notifications/{id}/unread",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/notifications/{id}/unread",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/notifications/{id}/unread",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/notifications/{id}/unread",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_reports: {
        parameters: {
            query?: {
                /** @description Only those that are so far. */
                status?: components["schemas"]["ReportStatus"];
                /** @description At most this many. */
                limit?: number;
                /** @description After this many. */
                offset?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of reports */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Reports"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/reports",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/reports",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a value makes no sense */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a value makes no sense",
                     *       "instance": "/api/v1/reports",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/reports",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/reports",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    live_reports: {
        parameters: {
            query?: {
                /** @description the access token, for clients that can send no header */
                token?: string;
            };
            header?: {
                /** @description the id of the last event seen: what was missed is told first */
                "Last-Event-ID"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a stream of `report` and `upload` events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example retry: 3000
                     *
                     *     id: 19a-8
                     *     event: upload
                     *     data: {"upload_id":"01997a00-0000-7000-8000-000000000001","state":"complete"}
                     */
                    "text/event-stream": string;
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/reports/stream",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/reports/stream",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/reports/stream",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/reports/stream",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    report_of_upload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description an upload */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the report */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Report"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/reports/upload/{id}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/reports/upload/{id}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such report that the caller may see */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such report that the caller may see",
                     *       "instance": "/api/v1/reports/upload/{id}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/reports/upload/{id}",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/reports/upload/{id}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/reports/upload/{id}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    report: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a report */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the report */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Report"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such report that the caller may see */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such report that the caller may see",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    change_report: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a report */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReportPatch"];
            };
        };
        responses: {
            /** @description the report as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Report"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for radiologists and admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for radiologists and admins",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such report */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such report",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the status cannot follow the present one */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "the status cannot follow the present one",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is no JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body is no JSON",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field breaks a rule",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    download_report: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a report */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the report; one that came as PDF as it came */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/pdf": number[];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/reports/{id}/download",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/reports/{id}/download",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such report that the caller may see, or it is not ready (code `report_not_ready`) */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such report that the caller may see, or it is not ready (code `report_not_ready`)",
                     *       "instance": "/api/v1/reports/{id}/download",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/reports/{id}/download",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/reports/{id}/download",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/reports/{id}/download",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_report: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a report */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the report, read */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Report"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/reports/{id}/read",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/reports/{id}/read",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such report that the caller may see */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such report that the caller may see",
                     *       "instance": "/api/v1/reports/{id}/read",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/reports/{id}/read",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/reports/{id}/read",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/reports/{id}/read",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    sync_report: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a report */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the report as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Report"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/reports/{id}/sync",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/reports/{id}/sync",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such report that the caller may see */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such report that the caller may see",
                     *       "instance": "/api/v1/reports/{id}/sync",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no destination can be asked */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "no destination can be asked",
                     *       "instance": "/api/v1/reports/{id}/sync",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/reports/{id}/sync",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/reports/{id}/sync",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the PACS does not answer, or not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "the PACS does not answer, or not now",
                     *       "instance": "/api/v1/reports/{id}/sync",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_studies: {
        parameters: {
            query?: {
                /**
                 * @description Only studies with an instance of this modality (0008,0060).
                 * @example CT
                 */
                modality?: string;
                /** @description Only studies that came in this way: `dicom` or `http`. */
                source?: string;
                /** @description Only studies with a delivery in this state: `queued`, `forwarding`, `delivered`, `retrying` or `held`. */
                state?: string;
                /** @description Received at or after: RFC 3339 time, or a date (UTC). */
                from?: string;
                /** @description Received at or before: RFC 3339 time, or a date (UTC, all of it). */
                to?: string;
                /** @description Page size. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of studies */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Studies"];
                };
            };
            /** @description an unknown parameter */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "an unknown parameter",
                     *       "instance": "/api/v1/studies",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/studies",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not for this role */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "not for this role",
                     *       "instance": "/api/v1/studies",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a value that makes no sense */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a value that makes no sense",
                     *       "instance": "/api/v1/studies",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/studies",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/studies",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    search_studies: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SearchBody"];
            };
        };
        responses: {
            /** @description a page of studies */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Studies"];
                };
            };
            /** @description not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "not JSON",
                     *       "instance": "/api/v1/studies/search",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/studies/search",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/studies/search",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "not application/json",
                     *       "instance": "/api/v1/studies/search",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a value that makes no sense */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a value that makes no sense",
                     *       "instance": "/api/v1/studies/search",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/studies/search",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/studies/search",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    study: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Study Instance UID */
                uid: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the study */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StudyDetail"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/studies/{uid}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/studies/{uid}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not for this role */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "not for this role",
                     *       "instance": "/api/v1/studies/{uid}",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such study */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such study",
                     *       "instance": "/api/v1/studies/{uid}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not a UID */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not a UID",
                     *       "instance": "/api/v1/studies/{uid}",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/studies/{uid}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/studies/{uid}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    preview: {
        parameters: {
            query?: {
                /** @description Which frame, from 0. */
                frame?: number;
                /** @description Window centre (0028,1050); with `ww`. */
                wc?: number;
                /** @description Window width (0028,1051); with `wc`. */
                ww?: number;
                /** @description Longest side in pixels (4096 at most; the image's own if absent). */
                size?: number;
            };
            header?: never;
            path: {
                /** @description Study Instance UID */
                uid: string;
                /** @description SOP Instance UID */
                sop: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the picture */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/png": number[];
                };
            };
            /** @description an unknown parameter */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "an unknown parameter",
                     *       "instance": "/api/v1/studies/{uid}/instances/{sop}/preview",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/studies/{uid}/instances/{sop}/preview",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such instance, or it has no such frame */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such instance, or it has no such frame",
                     *       "instance": "/api/v1/studies/{uid}/instances/{sop}/preview",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description it cannot be shown */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "it cannot be shown",
                     *       "instance": "/api/v1/studies/{uid}/instances/{sop}/preview",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a value makes no sense, or the image is broken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a value makes no sense, or the image is broken",
                     *       "instance": "/api/v1/studies/{uid}/instances/{sop}/preview",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/studies/{uid}/instances/{sop}/preview",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/studies/{uid}/instances/{sop}/preview",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    study_ledger: {
        parameters: {
            query?: {
                /** @description Page size. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @description Study Instance UID */
                uid: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of the ledger */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ledger"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/studies/{uid}/ledger",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/studies/{uid}/ledger",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not for this role */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "not for this role",
                     *       "instance": "/api/v1/studies/{uid}/ledger",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such study */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such study",
                     *       "instance": "/api/v1/studies/{uid}/ledger",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not a UID, or not a cursor */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not a UID, or not a cursor",
                     *       "instance": "/api/v1/studies/{uid}/ledger",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/studies/{uid}/ledger",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/studies/{uid}/ledger",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    set_study_priority: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Study Instance UID */
                uid: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PriorityBody"];
            };
        };
        responses: {
            /** @description it takes its new place */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Accepted"];
                };
            };
            /** @description not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "not JSON",
                     *       "instance": "/api/v1/studies/{uid}/priority",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/studies/{uid}/priority",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not for this role */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "not for this role",
                     *       "instance": "/api/v1/studies/{uid}/priority",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such study in the buffer */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such study in the buffer",
                     *       "instance": "/api/v1/studies/{uid}/priority",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/studies/{uid}/priority",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "not application/json",
                     *       "instance": "/api/v1/studies/{uid}/priority",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a value makes no sense */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a value makes no sense",
                     *       "instance": "/api/v1/studies/{uid}/priority",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/studies/{uid}/priority",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/studies/{uid}/priority",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    retry_study: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Study Instance UID */
                uid: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["RetryBody"] | null;
            };
        };
        responses: {
            /** @description they are tried */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Accepted"];
                };
            };
            /** @description not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "not JSON",
                     *       "instance": "/api/v1/studies/{uid}/retry",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/studies/{uid}/retry",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not for this role */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "not for this role",
                     *       "instance": "/api/v1/studies/{uid}/retry",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such study or destination */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such study or destination",
                     *       "instance": "/api/v1/studies/{uid}/retry",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/studies/{uid}/retry",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/studies/{uid}/retry",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a value makes no sense */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a value makes no sense",
                     *       "instance": "/api/v1/studies/{uid}/retry",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/studies/{uid}/retry",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/studies/{uid}/retry",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    system: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the box at this moment */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["System"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/system",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/system",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/system",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    certificate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the certificate in force */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Certificate"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/system/certificate",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for admins",
                     *       "instance": "/api/v1/system/certificate",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description HTTPS is off */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "HTTPS is off",
                     *       "instance": "/api/v1/system/certificate",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/system/certificate",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    replace_certificate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CertificateUpload"];
            };
        };
        responses: {
            /** @description in force from the next connection on */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Certificate"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/system/certificate",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/system/certificate",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for admins",
                     *       "instance": "/api/v1/system/certificate",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description HTTPS is off, or the configuration names certificate files */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "HTTPS is off, or the configuration names certificate files",
                     *       "instance": "/api/v1/system/certificate",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/system/certificate",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is not JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body is not JSON",
                     *       "instance": "/api/v1/system/certificate",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description it cannot be taken into use; detail says why */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "it cannot be taken into use; detail says why",
                     *       "instance": "/api/v1/system/certificate",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/system/certificate",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    give_certificate_up: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description given up */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/system/certificate",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for admins",
                     *       "instance": "/api/v1/system/certificate",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description none was uploaded */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "none was uploaded",
                     *       "instance": "/api/v1/system/certificate",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description HTTPS is off */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "HTTPS is off",
                     *       "instance": "/api/v1/system/certificate",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/system/certificate",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    system_public: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description what anybody may know */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SystemPublic"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/system/public",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    telemetry: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {"event_id":"9ec79c33ec9942ab8353589fcb2e04dc"}
                 *     {"type":"event"}
                 *     {"exception":{"values":[{"type":"TypeError","value":"x is undefined"}]}}
                 */
                "application/x-sentry-envelope": string;
            };
        };
        responses: {
            /** @description taken */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description no envelope */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "no envelope",
                     *       "instance": "/api/v1/telemetry",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "not signed in",
                     *       "instance": "/api/v1/telemetry",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body did not arrive */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body did not arrive",
                     *       "instance": "/api/v1/telemetry",
                     *       "status": 408,
                     *       "title": "Request Timeout",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the envelope is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the envelope is too large",
                     *       "instance": "/api/v1/telemetry",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many",
                     *       "instance": "/api/v1/telemetry",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/telemetry",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    disable_totp: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CodeRequest"];
            };
        };
        responses: {
            /** @description it is off */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TotpState"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/totp/disable",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/totp/disable",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the code is wrong */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "the code is wrong",
                     *       "instance": "/api/v1/totp/disable",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description it is not on */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "it is not on",
                     *       "instance": "/api/v1/totp/disable",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/totp/disable",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/totp/disable",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field is missing */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field is missing",
                     *       "instance": "/api/v1/totp/disable",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many wrong codes */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many wrong codes",
                     *       "instance": "/api/v1/totp/disable",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/totp/disable",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    enable_totp: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["EnableRequest"] | null;
            };
        };
        responses: {
            /** @description the secret on offer (step 1), or that it is on (step 2) */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EnableAnswer"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/totp/enable",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/totp/enable",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the code is wrong */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "the code is wrong",
                     *       "instance": "/api/v1/totp/enable",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description it is on already, or no secret is on offer */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "it is on already, or no secret is on offer",
                     *       "instance": "/api/v1/totp/enable",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/totp/enable",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/totp/enable",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field makes no sense */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field makes no sense",
                     *       "instance": "/api/v1/totp/enable",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many wrong codes */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many wrong codes",
                     *       "instance": "/api/v1/totp/enable",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/totp/enable",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_uploads: {
        parameters: {
            query?: {
                /** @description Only those in this state. */
                state?: components["schemas"]["UploadState"];
                /** @description At most so many. */
                limit?: number;
                /** @description After so many. */
                offset?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of uploads */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadList"];
                };
            };
            /** @description an unknown parameter */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "an unknown parameter",
                     *       "instance": "/api/v1/upload",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "not signed in",
                     *       "instance": "/api/v1/upload",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a value that makes no sense */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a value that makes no sense",
                     *       "instance": "/api/v1/upload",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/upload",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/upload",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    begin_upload: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UploadInitRequest"];
            };
        };
        responses: {
            /** @description begun; send the chunks */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadInitResponse"];
                };
            };
            /** @description not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "not JSON",
                     *       "instance": "/api/v1/upload/init",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "not signed in",
                     *       "instance": "/api/v1/upload/init",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description this role uploads nothing */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "this role uploads nothing",
                     *       "instance": "/api/v1/upload/init",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description uploaded within the last 30 days (code DUPLICATE_STUDY), or too many uploads of the caller are not complete */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "DUPLICATE_STUDY",
                     *       "detail": "uploaded within the last 30 days (code DUPLICATE_STUDY), or too many uploads of the caller are not complete",
                     *       "instance": "/api/v1/upload/init",
                     *       "status": 409,
                     *       "title": "This study was uploaded before",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/duplicate-study"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/upload/init",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "not application/json",
                     *       "instance": "/api/v1/upload/init",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field makes no sense */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field makes no sense",
                     *       "instance": "/api/v1/upload/init",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many",
                     *       "instance": "/api/v1/upload/init",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/upload/init",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the disk reserve is reached */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "disk_full",
                     *       "detail": "the disk reserve is reached",
                     *       "instance": "/api/v1/upload/init",
                     *       "status": 507,
                     *       "title": "The box is full",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/disk-full"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    stats: {
        parameters: {
            query?: {
                /**
                 * @description 7 or 14 days, one, three or six calendar months, or everything; absent: `1m`.
                 * @example 1m
                 */
                period?: components["schemas"]["Period"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the totals */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Stats"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/upload/stats",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/upload/stats",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such period */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "no such period",
                     *       "instance": "/api/v1/upload/stats",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too often",
                     *       "instance": "/api/v1/upload/stats",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/upload/stats",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    stats_export: {
        parameters: {
            query?: {
                /**
                 * @description 7 or 14 days, one, three or six calendar months, or everything; absent: `1m`.
                 * @example 1m
                 */
                period?: components["schemas"]["Period"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a table, streamed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example date,count,failed,bytes,modality,service_level,source
                     *     2026-11-23,12,0,3221225472,CT,routine,dicom
                     */
                    "text/csv": string;
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/upload/stats/export",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/upload/stats/export",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for admins",
                     *       "instance": "/api/v1/upload/stats/export",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such period */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "no such period",
                     *       "instance": "/api/v1/upload/stats/export",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too often",
                     *       "instance": "/api/v1/upload/stats/export",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/upload/stats/export",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    stats_trend: {
        parameters: {
            query?: {
                /**
                 * @description 7 or 14 days, one, three or six calendar months, or everything; absent: `1m`.
                 * @example 1m
                 */
                period?: components["schemas"]["Period"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description every day of the period */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Trend"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/upload/stats/trend",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/upload/stats/trend",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such period */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "no such period",
                     *       "instance": "/api/v1/upload/stats/trend",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too often",
                     *       "instance": "/api/v1/upload/stats/trend",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/upload/stats/trend",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_upload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description the upload */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description gone */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/upload/{id}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no valid token */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "no valid token",
                     *       "instance": "/api/v1/upload/{id}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description somebody else's */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "somebody else's",
                     *       "instance": "/api/v1/upload/{id}",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such upload */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such upload",
                     *       "instance": "/api/v1/upload/{id}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description complete already */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "complete already",
                     *       "instance": "/api/v1/upload/{id}",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/upload/{id}",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/upload/{id}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/upload/{id}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    upload_batch: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description the upload */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": components["schemas"]["BatchBody"];
            };
        };
        responses: {
            /** @description what became of each chunk, in the manifest's order */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BatchAnswer"][];
                };
            };
            /** @description not the two parts that it must have */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "not the two parts that it must have",
                     *       "instance": "/api/v1/upload/{id}/batch",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no valid token */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "no valid token",
                     *       "instance": "/api/v1/upload/{id}/batch",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description another upload's token */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "another upload's token",
                     *       "instance": "/api/v1/upload/{id}/batch",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such upload */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such upload",
                     *       "instance": "/api/v1/upload/{id}/batch",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body did not arrive */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body did not arrive",
                     *       "instance": "/api/v1/upload/{id}/batch",
                     *       "status": 408,
                     *       "title": "Request Timeout",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description more than 16 MiB of chunks */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "more than 16 MiB of chunks",
                     *       "instance": "/api/v1/upload/{id}/batch",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the manifest makes no sense */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "the manifest makes no sense",
                     *       "instance": "/api/v1/upload/{id}/batch",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many",
                     *       "instance": "/api/v1/upload/{id}/batch",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/upload/{id}/batch",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the disk reserve is reached */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "disk_full",
                     *       "detail": "the disk reserve is reached",
                     *       "instance": "/api/v1/upload/{id}/batch",
                     *       "status": 507,
                     *       "title": "The box is full",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/disk-full"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    upload_chunk: {
        parameters: {
            query: {
                /**
                 * @description The chunk's number in its file, from 0.
                 * @example 0
                 */
                chunk_index: number;
                /**
                 * @description The file's name in the upload.
                 * @example 1
                 */
                file_id: string;
            };
            header?: {
                /** @description MD5 of the chunk (RFC 1864, base64 or hex): compared when sent */
                "Content-MD5"?: string | null;
                /** @description `sha-256=:…:` (RFC 9530): compared when sent */
                "Content-Digest"?: string | null;
            };
            path: {
                /** @description the upload */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": number[];
            };
        };
        responses: {
            /** @description durable */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChunkUploadResponse"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/upload/{id}/chunk",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no valid token */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "no valid token",
                     *       "instance": "/api/v1/upload/{id}/chunk",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description another upload's token */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "another upload's token",
                     *       "instance": "/api/v1/upload/{id}/chunk",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such upload */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such upload",
                     *       "instance": "/api/v1/upload/{id}/chunk",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body did not arrive */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body did not arrive",
                     *       "instance": "/api/v1/upload/{id}/chunk",
                     *       "status": 408,
                     *       "title": "Request Timeout",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description received before with other bytes, or the upload takes no more chunks */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "received before with other bytes, or the upload takes no more chunks",
                     *       "instance": "/api/v1/upload/{id}/chunk",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description longer than a chunk may be */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "longer than a chunk may be",
                     *       "instance": "/api/v1/upload/{id}/chunk",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description index, length or digest is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "index, length or digest is wrong",
                     *       "instance": "/api/v1/upload/{id}/chunk",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many",
                     *       "instance": "/api/v1/upload/{id}/chunk",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/upload/{id}/chunk",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the disk reserve is reached */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "disk_full",
                     *       "detail": "the disk reserve is reached",
                     *       "instance": "/api/v1/upload/{id}/chunk",
                     *       "status": 507,
                     *       "title": "The box is full",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/disk-full"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    complete_upload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description the upload */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description what became of each file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadCompleteResponse"];
                };
            };
            /** @description still being read; ask again, or look at the status */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Processing"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/upload/{id}/complete",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no valid token */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "no valid token",
                     *       "instance": "/api/v1/upload/{id}/complete",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description another upload's token */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "another upload's token",
                     *       "instance": "/api/v1/upload/{id}/complete",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such upload */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such upload",
                     *       "instance": "/api/v1/upload/{id}/complete",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description chunks are missing (code incomplete), or the upload has expired */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "incomplete",
                     *       "detail": "chunks are missing (code incomplete), or the upload has expired",
                     *       "instance": "/api/v1/upload/{id}/complete",
                     *       "status": 409,
                     *       "title": "Chunks are missing",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/incomplete"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/upload/{id}/complete",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many",
                     *       "instance": "/api/v1/upload/{id}/complete",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/upload/{id}/complete",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the disk reserve is reached */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "disk_full",
                     *       "detail": "the disk reserve is reached",
                     *       "instance": "/api/v1/upload/{id}/complete",
                     *       "status": 507,
                     *       "title": "The box is full",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/disk-full"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    upload_status: {
        parameters: {
            query?: {
                /** @description `incomplete`: only files of which something is missing, or with which something is wrong. */
                files?: string;
            };
            header?: never;
            path: {
                /** @description the upload */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description how far */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadStatusResponse"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/upload/{id}/status",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no valid token */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "no valid token",
                     *       "instance": "/api/v1/upload/{id}/status",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description somebody else's */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "somebody else's",
                     *       "instance": "/api/v1/upload/{id}/status",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such upload */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such upload",
                     *       "instance": "/api/v1/upload/{id}/status",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/upload/{id}/status",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/upload/{id}/status",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/upload/{id}/status",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_users: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description all accounts */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserResponse"][];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/users",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for admins",
                     *       "instance": "/api/v1/users",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/users",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/users",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    add_user: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserAdd"];
            };
        };
        responses: {
            /** @description made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserResponse"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/users",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/users",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for admins",
                     *       "instance": "/api/v1/users",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the username is taken */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "the username is taken",
                     *       "instance": "/api/v1/users",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/users",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/users",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field breaks a rule",
                     *       "instance": "/api/v1/users",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/users",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/users",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_invites: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description all open invites */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invite"][];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/users/invites",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for admins",
                     *       "instance": "/api/v1/users/invites",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/users/invites",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/users/invites",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    invite: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InviteRequest"];
            };
        };
        responses: {
            /** @description made, with its code */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invite"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/users/invites",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/users/invites",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for admins",
                     *       "instance": "/api/v1/users/invites",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many invites are open */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "too many invites are open",
                     *       "instance": "/api/v1/users/invites",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/users/invites",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/users/invites",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field breaks a rule",
                     *       "instance": "/api/v1/users/invites",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/users/invites",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/users/invites",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    find_invite: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description an open invite */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the invite */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invite"];
                };
            };
            /** @description the path cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the path cannot be read",
                     *       "instance": "/api/v1/users/invites/{id}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/users/invites/{id}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for admins",
                     *       "instance": "/api/v1/users/invites/{id}",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such invite */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such invite",
                     *       "instance": "/api/v1/users/invites/{id}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/users/invites/{id}",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/users/invites/{id}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/users/invites/{id}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    withdraw_invite: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description an open invite */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description taken back */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/users/invites/{id}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/users/invites/{id}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for admins",
                     *       "instance": "/api/v1/users/invites/{id}",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such invite */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such invite",
                     *       "instance": "/api/v1/users/invites/{id}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/users/invites/{id}",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/users/invites/{id}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/users/invites/{id}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    user: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description an account */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the account */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserResponse"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for admins",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such account */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such account",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_user: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description an account */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for admins",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such account */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such account",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description it is the last admin */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "it is the last admin",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    change_user: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description an account */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserPatch"];
            };
        };
        responses: {
            /** @description the account after the change */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserResponse"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for admins",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such account */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such account",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description it is the last admin */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "it is the last admin",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field breaks a rule",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/users/{id}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    two_factor_disable_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CodeRequest"];
            };
        };
        responses: {
            /** @description it is off */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TotpState"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/auth/2fa/disable",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/auth/2fa/disable",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the code is wrong */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "the code is wrong",
                     *       "instance": "/api/v1/auth/2fa/disable",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description it is not on */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "it is not on",
                     *       "instance": "/api/v1/auth/2fa/disable",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/auth/2fa/disable",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/auth/2fa/disable",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field is missing */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field is missing",
                     *       "instance": "/api/v1/auth/2fa/disable",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many wrong codes */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many wrong codes",
                     *       "instance": "/api/v1/auth/2fa/disable",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/2fa/disable",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    two_factor_enable_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TwoFactorEnable"];
            };
        };
        responses: {
            /** @description it is on */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TotpState"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/auth/2fa/enable",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/auth/2fa/enable",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the code is wrong */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "the code is wrong",
                     *       "instance": "/api/v1/auth/2fa/enable",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description it is on already, or no secret is on offer */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "it is on already, or no secret is on offer",
                     *       "instance": "/api/v1/auth/2fa/enable",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/auth/2fa/enable",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/auth/2fa/enable",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field is missing */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field is missing",
                     *       "instance": "/api/v1/auth/2fa/enable",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many wrong codes */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many wrong codes",
                     *       "instance": "/api/v1/auth/2fa/enable",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/2fa/enable",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    two_factor_setup_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the secret on offer */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TotpOffer"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/auth/2fa/setup",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description only somebody with an account has one */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "only somebody with an account has one",
                     *       "instance": "/api/v1/auth/2fa/setup",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description it is on already */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "it is on already",
                     *       "instance": "/api/v1/auth/2fa/setup",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/auth/2fa/setup",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/2fa/setup",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    change_password_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangePassword"];
            };
        };
        responses: {
            /** @description changed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/auth/change-password",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/auth/change-password",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the current password is wrong */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "the current password is wrong",
                     *       "instance": "/api/v1/auth/change-password",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/auth/change-password",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/auth/change-password",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the new password breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "the new password breaks a rule",
                     *       "instance": "/api/v1/auth/change-password",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many failures */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many failures",
                     *       "instance": "/api/v1/auth/change-password",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/change-password",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    jwks_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the keys, the signing one last */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Jwks"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/auth/jwks.json",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    login_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LoginRequest"];
            };
        };
        responses: {
            /** @description signed in */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenPair"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/auth/login",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description username, password or code are wrong */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_credentials",
                     *       "detail": "username, password or code are wrong",
                     *       "instance": "/api/v1/auth/login",
                     *       "status": 401,
                     *       "title": "Invalid credentials or authentication code",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-credentials"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a code is needed (X-TOTP-Required: true), or the account is switched off */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "a code is needed (X-TOTP-Required: true), or the account is switched off",
                     *       "instance": "/api/v1/auth/login",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/auth/login",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/auth/login",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field is missing */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field is missing",
                     *       "instance": "/api/v1/auth/login",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many failures */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many failures",
                     *       "instance": "/api/v1/auth/login",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/login",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    logout_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["LogoutRequest"] | null;
            };
        };
        responses: {
            /** @description signed out */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "message": "signed out"
                     *     }
                     */
                    "application/json": unknown;
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/auth/logout",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/auth/logout",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description only somebody with an account has a session */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "only somebody with an account has a session",
                     *       "instance": "/api/v1/auth/logout",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/auth/logout",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/auth/logout",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field makes no sense */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field makes no sense",
                     *       "instance": "/api/v1/auth/logout",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/auth/logout",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/logout",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    me_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description one's own account */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserResponse"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description only somebody with an account has one */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "only somebody with an account has one",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    change_me_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MePatch"];
            };
        };
        responses: {
            /** @description the account after the change */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserResponse"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description only somebody with an account has one */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "only somebody with an account has one",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field breaks a rule",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/me",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    export_me_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description account, sessions, uploads, reports on them, notifications, and what the audit trail says the caller did */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "account": {
                     *         "username": "ada"
                     *       },
                     *       "audit": [],
                     *       "notifications": [],
                     *       "reports": [],
                     *       "sessions": [],
                     *       "uploads": []
                     *     }
                     */
                    "application/json": unknown;
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/auth/me/export",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description only somebody with an account has data */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "only somebody with an account has data",
                     *       "instance": "/api/v1/auth/me/export",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/auth/me/export",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/me/export",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    refresh_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RefreshRequest"];
            };
        };
        responses: {
            /** @description a new pair */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenPair"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/auth/refresh",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the token is not valid, was used before (its session has ended), or its session has ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "the token is not valid, was used before (its session has ended), or its session has ended",
                     *       "instance": "/api/v1/auth/refresh",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the account is switched off */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "the account is switched off",
                     *       "instance": "/api/v1/auth/refresh",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/auth/refresh",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/auth/refresh",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field is missing or breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field is missing or breaks a rule",
                     *       "instance": "/api/v1/auth/refresh",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/auth/refresh",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/refresh",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    refresh_upload_token_legacy: {
        parameters: {
            query: {
                /** @description The upload. */
                upload_id: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the token */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadToken"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/auth/refresh-upload-token",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "not signed in",
                     *       "instance": "/api/v1/auth/refresh-upload-token",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description somebody else's */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "somebody else's",
                     *       "instance": "/api/v1/auth/refresh-upload-token",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such upload */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such upload",
                     *       "instance": "/api/v1/auth/refresh-upload-token",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/auth/refresh-upload-token",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/auth/refresh-upload-token",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/refresh-upload-token",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    register_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserCreate"];
            };
        };
        responses: {
            /** @description made and signed in */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenPair"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/auth/register",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the access token is not valid */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "the access token is not valid",
                     *       "instance": "/api/v1/auth/register",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the code is wrong, used, or over; or the caller is no admin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "the code is wrong, used, or over; or the caller is no admin",
                     *       "instance": "/api/v1/auth/register",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the username is taken */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "the username is taken",
                     *       "instance": "/api/v1/auth/register",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/auth/register",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/auth/register",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field breaks a rule",
                     *       "instance": "/api/v1/auth/register",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many wrong codes */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many wrong codes",
                     *       "instance": "/api/v1/auth/register",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/register",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_sessions_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description one's own sessions */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"][];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/auth/sessions",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description only somebody with an account has sessions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "only somebody with an account has sessions",
                     *       "instance": "/api/v1/auth/sessions",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/auth/sessions",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/sessions",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    session_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a session of one's own */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the session */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description the path cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the path cannot be read",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description only somebody with an account has sessions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "only somebody with an account has sessions",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such session of one's own */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such session of one's own",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    end_session_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a session of one's own */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description signed out */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description only somebody with an account has sessions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "only somebody with an account has sessions",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such session of one's own */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such session of one's own",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/auth/sessions/{id}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description healthy */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Healthy"];
                };
            };
        };
    };
    alive: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description alive */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Alive"];
                };
            };
        };
    };
    metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description every metric */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain; version=0.0.4; charset=utf-8": string;
                };
            };
            /** @description not from this address */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "not from this address",
                     *       "instance": "/metrics",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_notifications_legacy: {
        parameters: {
            query?: {
                /** @description At most this many. */
                limit?: number;
                /** @description After this many. */
                offset?: number;
                /** @description Only unread ones. */
                unread_only?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of notifications */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Notifications"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/notifications",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/notifications",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a value makes no sense */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a value makes no sense",
                     *       "instance": "/api/v1/notifications",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/notifications",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/notifications",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    subscribe_push_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PushSubscription"];
            };
        };
        responses: {
            /** @description subscribed */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description only somebody with an account has this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "only somebody with an account has this",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is no JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body is no JSON",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field breaks a rule",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    unsubscribe_push_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PushEndpoint"];
            };
        };
        responses: {
            /** @description not subscribed, whether it was or not */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is no JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body is no JSON",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field breaks a rule",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/notifications/push-subscriptions",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_all_notifications_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description how many were unread */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Marked"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/notifications/read-all",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/notifications/read-all",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/notifications/read-all",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    live_notifications_legacy: {
        parameters: {
            query?: {
                /** @description the access token, for clients that can send no header */
                token?: string;
            };
            header?: {
                /** @description the id of the last event seen: what was missed is told first */
                "Last-Event-ID"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a stream of `notification` and `unread_count` events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example retry: 3000
                     *
                     *     id: 19a-9
                     *     event: unread_count
                     *     data: {"count":0}
                     */
                    "text/event-stream": string;
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/notifications/stream",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/notifications/stream",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/notifications/stream",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/notifications/stream",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    vapid_key_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the key */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VapidKey"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/notifications/vapid-key",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/notifications/vapid-key",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_notification_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a notification */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deleted"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/notifications/{id}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/notifications/{id}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such notification of the caller's */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such notification of the caller's",
                     *       "instance": "/api/v1/notifications/{id}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/notifications/{id}",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/notifications/{id}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/notifications/{id}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_notification_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a notification */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the notification, read */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Notification"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/notifications/{id}/read",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/notifications/{id}/read",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such notification of the caller's */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such notification of the caller's",
                     *       "instance": "/api/v1/notifications/{id}/read",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/notifications/{id}/read",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/notifications/{id}/read",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/notifications/{id}/read",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    unread_notification_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a notification */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the notification, unread */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Notification"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/notifications/{id}/unread",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/notifications/{id}/unread",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such notification of the caller's */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such notification of the caller's",
                     *       "instance": "/api/v1/notifications/{id}/unread",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/notifications/{id}/unread",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/notifications/{id}/unread",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/notifications/{id}/unread",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description ready */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            /** @description not from this address */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "not from this address",
                     *       "instance": "/readyz",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not ready, with the reasons */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
        };
    };
    list_reports_legacy: {
        parameters: {
            query?: {
                /** @description Only those that are so far. */
                status?: components["schemas"]["ReportStatus"];
                /** @description At most this many. */
                limit?: number;
                /** @description After this many. */
                offset?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of reports */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Reports"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/reports",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/reports",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a value makes no sense */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a value makes no sense",
                     *       "instance": "/api/v1/reports",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/reports",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/reports",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    live_reports_legacy: {
        parameters: {
            query?: {
                /** @description the access token, for clients that can send no header */
                token?: string;
            };
            header?: {
                /** @description the id of the last event seen: what was missed is told first */
                "Last-Event-ID"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a stream of `report` and `upload` events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example retry: 3000
                     *
                     *     id: 19a-8
                     *     event: upload
                     *     data: {"upload_id":"01997a00-0000-7000-8000-000000000001","state":"complete"}
                     */
                    "text/event-stream": string;
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/reports/stream",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/reports/stream",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/reports/stream",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/reports/stream",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    report_of_upload_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description an upload */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the report */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Report"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/reports/upload/{id}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/reports/upload/{id}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such report that the caller may see */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such report that the caller may see",
                     *       "instance": "/api/v1/reports/upload/{id}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/reports/upload/{id}",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/reports/upload/{id}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/reports/upload/{id}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    report_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a report */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the report */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Report"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such report that the caller may see */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such report that the caller may see",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    change_report_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a report */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReportPatch"];
            };
        };
        responses: {
            /** @description the report as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Report"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for radiologists and admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for radiologists and admins",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such report */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such report",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the status cannot follow the present one */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "the status cannot follow the present one",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is no JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body is no JSON",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field breaks a rule */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field breaks a rule",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/reports/{id}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    download_report_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a report */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the report; one that came as PDF as it came */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/pdf": number[];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/reports/{id}/download",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/reports/{id}/download",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such report that the caller may see, or it is not ready (code `report_not_ready`) */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such report that the caller may see, or it is not ready (code `report_not_ready`)",
                     *       "instance": "/api/v1/reports/{id}/download",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/reports/{id}/download",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/reports/{id}/download",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/reports/{id}/download",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_report_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a report */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the report, read */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Report"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/reports/{id}/read",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/reports/{id}/read",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such report that the caller may see */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such report that the caller may see",
                     *       "instance": "/api/v1/reports/{id}/read",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/reports/{id}/read",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/reports/{id}/read",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/reports/{id}/read",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    sync_report_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a report */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the report as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Report"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/reports/{id}/sync",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/reports/{id}/sync",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such report that the caller may see */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such report that the caller may see",
                     *       "instance": "/api/v1/reports/{id}/sync",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no destination can be asked */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "no destination can be asked",
                     *       "instance": "/api/v1/reports/{id}/sync",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/reports/{id}/sync",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/reports/{id}/sync",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the PACS does not answer, or not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "the PACS does not answer, or not now",
                     *       "instance": "/api/v1/reports/{id}/sync",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    disable_totp_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CodeRequest"];
            };
        };
        responses: {
            /** @description it is off */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TotpState"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/totp/disable",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/totp/disable",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the code is wrong */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "the code is wrong",
                     *       "instance": "/api/v1/totp/disable",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description it is not on */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "it is not on",
                     *       "instance": "/api/v1/totp/disable",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/totp/disable",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/totp/disable",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field is missing */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field is missing",
                     *       "instance": "/api/v1/totp/disable",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many wrong codes */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many wrong codes",
                     *       "instance": "/api/v1/totp/disable",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/totp/disable",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    enable_totp_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["EnableRequest"] | null;
            };
        };
        responses: {
            /** @description the secret on offer (step 1), or that it is on (step 2) */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EnableAnswer"];
                };
            };
            /** @description the body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the body cannot be read",
                     *       "instance": "/api/v1/totp/enable",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/totp/enable",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the code is wrong */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "the code is wrong",
                     *       "instance": "/api/v1/totp/enable",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description it is on already, or no secret is on offer */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "it is on already, or no secret is on offer",
                     *       "instance": "/api/v1/totp/enable",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/totp/enable",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body must be application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body must be application/json",
                     *       "instance": "/api/v1/totp/enable",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field makes no sense */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field makes no sense",
                     *       "instance": "/api/v1/totp/enable",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many wrong codes */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many wrong codes",
                     *       "instance": "/api/v1/totp/enable",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/totp/enable",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_uploads_legacy: {
        parameters: {
            query?: {
                /** @description Only those in this state. */
                state?: components["schemas"]["UploadState"];
                /** @description At most so many. */
                limit?: number;
                /** @description After so many. */
                offset?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of uploads */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadList"];
                };
            };
            /** @description an unknown parameter */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "an unknown parameter",
                     *       "instance": "/api/v1/upload",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "not signed in",
                     *       "instance": "/api/v1/upload",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a value that makes no sense */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a value that makes no sense",
                     *       "instance": "/api/v1/upload",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/upload",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/upload",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    begin_upload_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UploadInitRequest"];
            };
        };
        responses: {
            /** @description begun; send the chunks */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadInitResponse"];
                };
            };
            /** @description not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "not JSON",
                     *       "instance": "/api/v1/upload/init",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "not signed in",
                     *       "instance": "/api/v1/upload/init",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description this role uploads nothing */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "this role uploads nothing",
                     *       "instance": "/api/v1/upload/init",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description uploaded within the last 30 days (code DUPLICATE_STUDY), or too many uploads of the caller are not complete */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "DUPLICATE_STUDY",
                     *       "detail": "uploaded within the last 30 days (code DUPLICATE_STUDY), or too many uploads of the caller are not complete",
                     *       "instance": "/api/v1/upload/init",
                     *       "status": 409,
                     *       "title": "This study was uploaded before",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/duplicate-study"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "the body is too large",
                     *       "instance": "/api/v1/upload/init",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "not application/json",
                     *       "instance": "/api/v1/upload/init",
                     *       "status": 415,
                     *       "title": "Unsupported Media Type",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description a field makes no sense */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "a field makes no sense",
                     *       "instance": "/api/v1/upload/init",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many",
                     *       "instance": "/api/v1/upload/init",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/upload/init",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the disk reserve is reached */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "disk_full",
                     *       "detail": "the disk reserve is reached",
                     *       "instance": "/api/v1/upload/init",
                     *       "status": 507,
                     *       "title": "The box is full",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/disk-full"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    stats_legacy: {
        parameters: {
            query?: {
                /**
                 * @description 7 or 14 days, one, three or six calendar months, or everything; absent: `1m`.
                 * @example 1m
                 */
                period?: components["schemas"]["Period"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the totals */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Stats"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/upload/stats",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/upload/stats",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such period */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "no such period",
                     *       "instance": "/api/v1/upload/stats",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too often",
                     *       "instance": "/api/v1/upload/stats",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/upload/stats",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    stats_export_legacy: {
        parameters: {
            query?: {
                /**
                 * @description 7 or 14 days, one, three or six calendar months, or everything; absent: `1m`.
                 * @example 1m
                 */
                period?: components["schemas"]["Period"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a table, streamed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example date,count,failed,bytes,modality,service_level,source
                     *     2026-11-23,12,0,3221225472,CT,routine,dicom
                     */
                    "text/csv": string;
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/upload/stats/export",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/upload/stats/export",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description for admins */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "for admins",
                     *       "instance": "/api/v1/upload/stats/export",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such period */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "no such period",
                     *       "instance": "/api/v1/upload/stats/export",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too often",
                     *       "instance": "/api/v1/upload/stats/export",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/upload/stats/export",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    stats_trend_legacy: {
        parameters: {
            query?: {
                /**
                 * @description 7 or 14 days, one, three or six calendar months, or everything; absent: `1m`.
                 * @example 1m
                 */
                period?: components["schemas"]["Period"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description every day of the period */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Trend"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/upload/stats/trend",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description sign in first */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "sign in first",
                     *       "instance": "/api/v1/upload/stats/trend",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such period */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "no such period",
                     *       "instance": "/api/v1/upload/stats/trend",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too often",
                     *       "instance": "/api/v1/upload/stats/trend",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/upload/stats/trend",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_upload_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description the upload */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description gone */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/upload/{id}",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no valid token */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "no valid token",
                     *       "instance": "/api/v1/upload/{id}",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description somebody else's */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "somebody else's",
                     *       "instance": "/api/v1/upload/{id}",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such upload */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such upload",
                     *       "instance": "/api/v1/upload/{id}",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description complete already */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "complete already",
                     *       "instance": "/api/v1/upload/{id}",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/upload/{id}",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/upload/{id}",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/upload/{id}",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    upload_batch_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description the upload */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": components["schemas"]["BatchBody"];
            };
        };
        responses: {
            /** @description what became of each chunk, in the manifest's order */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BatchAnswer"][];
                };
            };
            /** @description not the two parts that it must have */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "not the two parts that it must have",
                     *       "instance": "/api/v1/upload/{id}/batch",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no valid token */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "no valid token",
                     *       "instance": "/api/v1/upload/{id}/batch",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description another upload's token */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "another upload's token",
                     *       "instance": "/api/v1/upload/{id}/batch",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such upload */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such upload",
                     *       "instance": "/api/v1/upload/{id}/batch",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body did not arrive */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body did not arrive",
                     *       "instance": "/api/v1/upload/{id}/batch",
                     *       "status": 408,
                     *       "title": "Request Timeout",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description more than 16 MiB of chunks */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "more than 16 MiB of chunks",
                     *       "instance": "/api/v1/upload/{id}/batch",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the manifest makes no sense */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "the manifest makes no sense",
                     *       "instance": "/api/v1/upload/{id}/batch",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many",
                     *       "instance": "/api/v1/upload/{id}/batch",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/upload/{id}/batch",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the disk reserve is reached */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "disk_full",
                     *       "detail": "the disk reserve is reached",
                     *       "instance": "/api/v1/upload/{id}/batch",
                     *       "status": 507,
                     *       "title": "The box is full",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/disk-full"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    upload_chunk_legacy: {
        parameters: {
            query: {
                /**
                 * @description The chunk's number in its file, from 0.
                 * @example 0
                 */
                chunk_index: number;
                /**
                 * @description The file's name in the upload.
                 * @example 1
                 */
                file_id: string;
            };
            header?: {
                /** @description MD5 of the chunk (RFC 1864, base64 or hex): compared when sent */
                "Content-MD5"?: string | null;
                /** @description `sha-256=:…:` (RFC 9530): compared when sent */
                "Content-Digest"?: string | null;
            };
            path: {
                /** @description the upload */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": number[];
            };
        };
        responses: {
            /** @description durable */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChunkUploadResponse"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/upload/{id}/chunk",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no valid token */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "no valid token",
                     *       "instance": "/api/v1/upload/{id}/chunk",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description another upload's token */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "another upload's token",
                     *       "instance": "/api/v1/upload/{id}/chunk",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such upload */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such upload",
                     *       "instance": "/api/v1/upload/{id}/chunk",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the body did not arrive */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "the body did not arrive",
                     *       "instance": "/api/v1/upload/{id}/chunk",
                     *       "status": 408,
                     *       "title": "Request Timeout",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description received before with other bytes, or the upload takes no more chunks */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "conflict",
                     *       "detail": "received before with other bytes, or the upload takes no more chunks",
                     *       "instance": "/api/v1/upload/{id}/chunk",
                     *       "status": 409,
                     *       "title": "Not in this state",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/conflict"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description longer than a chunk may be */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "payload_too_large",
                     *       "detail": "longer than a chunk may be",
                     *       "instance": "/api/v1/upload/{id}/chunk",
                     *       "status": 413,
                     *       "title": "The body is too large",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/payload-too-large"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description index, length or digest is wrong */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "index, length or digest is wrong",
                     *       "instance": "/api/v1/upload/{id}/chunk",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many",
                     *       "instance": "/api/v1/upload/{id}/chunk",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/upload/{id}/chunk",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the disk reserve is reached */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "disk_full",
                     *       "detail": "the disk reserve is reached",
                     *       "instance": "/api/v1/upload/{id}/chunk",
                     *       "status": 507,
                     *       "title": "The box is full",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/disk-full"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    complete_upload_legacy: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description the upload */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description what became of each file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadCompleteResponse"];
                };
            };
            /** @description still being read; ask again, or look at the status */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Processing"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/upload/{id}/complete",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no valid token */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "no valid token",
                     *       "instance": "/api/v1/upload/{id}/complete",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description another upload's token */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "another upload's token",
                     *       "instance": "/api/v1/upload/{id}/complete",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such upload */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such upload",
                     *       "instance": "/api/v1/upload/{id}/complete",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description chunks are missing (code incomplete), or the upload has expired */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "incomplete",
                     *       "detail": "chunks are missing (code incomplete), or the upload has expired",
                     *       "instance": "/api/v1/upload/{id}/complete",
                     *       "status": 409,
                     *       "title": "Chunks are missing",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/incomplete"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/upload/{id}/complete",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many",
                     *       "instance": "/api/v1/upload/{id}/complete",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/upload/{id}/complete",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description the disk reserve is reached */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "disk_full",
                     *       "detail": "the disk reserve is reached",
                     *       "instance": "/api/v1/upload/{id}/complete",
                     *       "status": 507,
                     *       "title": "The box is full",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/disk-full"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    upload_status_legacy: {
        parameters: {
            query?: {
                /** @description `incomplete`: only files of which something is missing, or with which something is wrong. */
                files?: string;
            };
            header?: never;
            path: {
                /** @description the upload */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description how far */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadStatusResponse"];
                };
            };
            /** @description the request cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unreadable_request",
                     *       "detail": "the request cannot be read",
                     *       "instance": "/api/v1/upload/{id}/status",
                     *       "status": 400,
                     *       "title": "The request cannot be read",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unreadable-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no valid token */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unauthorized",
                     *       "detail": "no valid token",
                     *       "instance": "/api/v1/upload/{id}/status",
                     *       "status": 401,
                     *       "title": "Sign in first",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unauthorized"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description somebody else's */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "forbidden",
                     *       "detail": "somebody else's",
                     *       "instance": "/api/v1/upload/{id}/status",
                     *       "status": 403,
                     *       "title": "Not allowed",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/forbidden"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description no such upload */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "detail": "no such upload",
                     *       "instance": "/api/v1/upload/{id}/status",
                     *       "status": 404,
                     *       "title": "Not Found",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "about:blank"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not an id */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "invalid_request",
                     *       "detail": "not an id",
                     *       "instance": "/api/v1/upload/{id}/status",
                     *       "status": 422,
                     *       "title": "The request does not say what it must",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/invalid-request"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description too many requests; Retry-After says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "rate_limited",
                     *       "detail": "too many requests; Retry-After says when to come back",
                     *       "instance": "/api/v1/upload/{id}/status",
                     *       "status": 429,
                     *       "title": "Too many requests",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/rate-limited"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description not now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "unavailable",
                     *       "detail": "not now",
                     *       "instance": "/api/v1/upload/{id}/status",
                     *       "status": 503,
                     *       "title": "Not now",
                     *       "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                     *       "type": "/problems/unavailable"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
