#include "admin/openapi.hpp"

namespace callgate::admin {

std::string_view openapi_text() {
  return R"json({
  "openapi": "3.1.0",
  "info": {
    "title": "Callgate admin API",
    "version": "1",
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "description": "Questions to people, servers behind the gate, policies drafted from a sentence, health. At the admin listener every request carries the token of DATA/admin.token; at DATA/run/<instance>.sock the rights of the socket suffice."
  },
  "security": [{"token": []}],
  "paths": {
    "/api/v1/approvals": {
      "get": {
        "operationId": "listApprovals",
        "summary": "Questions that wait and those of the last day, oldest first",
        "parameters": [{"name": "state", "in": "query", "schema": {"$ref": "#/components/schemas/State"}}],
        "responses": {
          "200": {"description": "The approvals", "content": {"application/json": {"schema": {"type": "object", "required": ["approvals"], "properties": {"approvals": {"type": "array", "items": {"$ref": "#/components/schemas/Approval"}}}}}}},
          "default": {"$ref": "#/components/responses/Refused"}
        }
      }
    },
    "/api/v1/approvals/{id}": {
      "parameters": [{"$ref": "#/components/parameters/Id"}],
      "get": {
        "operationId": "showApproval",
        "summary": "One question with all that a person should see before answering",
        "responses": {
          "200": {"$ref": "#/components/responses/Approval"},
          "404": {"$ref": "#/components/responses/Refused"},
          "default": {"$ref": "#/components/responses/Refused"}
        }
      }
    },
    "/api/v1/approvals/{id}/approve": {
      "parameters": [{"$ref": "#/components/parameters/Id"}],
      "post": {
        "operationId": "approve",
        "summary": "Yes: the call may run once within ten minutes, if the policy still lets it",
        "requestBody": {"$ref": "#/components/requestBodies/Answer"},
        "responses": {
          "200": {"$ref": "#/components/responses/Approval"},
          "404": {"$ref": "#/components/responses/Refused"},
          "409": {"description": "No longer waiting", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}},
          "422": {"description": "Changed arguments are not supported yet", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}},
          "default": {"$ref": "#/components/responses/Refused"}
        }
      }
    },
    "/api/v1/approvals/{id}/deny": {
      "parameters": [{"$ref": "#/components/parameters/Id"}],
      "post": {
        "operationId": "deny",
        "summary": "No: the agent is told, with the reason",
        "requestBody": {"$ref": "#/components/requestBodies/Answer"},
        "responses": {
          "200": {"$ref": "#/components/responses/Approval"},
          "404": {"$ref": "#/components/responses/Refused"},
          "409": {"description": "No longer waiting", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}},
          "default": {"$ref": "#/components/responses/Refused"}
        }
      }
    },
    "/api/v1/servers": {
      "get": {
        "operationId": "listServers",
        "summary": "The servers behind the gate",
        "responses": {
          "200": {"description": "The servers", "content": {"application/json": {"schema": {"type": "object", "required": ["servers"], "properties": {"servers": {"type": "array", "items": {"$ref": "#/components/schemas/Server"}}}}}}},
          "default": {"$ref": "#/components/responses/Refused"}
        }
      }
    },
    "/api/v1/servers/{name}/tools": {
      "parameters": [{"$ref": "#/components/parameters/ServerName"}],
      "get": {
        "operationId": "listTools",
        "summary": "A server's tools as pinned and as listed now",
        "responses": {
          "200": {"description": "The tools", "content": {"application/json": {"schema": {"type": "object", "required": ["tools", "left_out"], "properties": {"tools": {"type": "array", "items": {"$ref": "#/components/schemas/Tool"}}, "left_out": {"type": "array", "items": {"$ref": "#/components/schemas/LeftOut"}}}}}}},
          "404": {"$ref": "#/components/responses/Refused"},
          "default": {"$ref": "#/components/responses/Refused"}
        }
      }
    },
    "/api/v1/servers/{name}/pin": {
      "parameters": [{"$ref": "#/components/parameters/ServerName"}],
      "post": {
        "operationId": "pin",
        "summary": "Accept definitions that a server offers: one tool's, or all",
        "requestBody": {"required": false, "content": {"application/json": {"schema": {"type": "object", "additionalProperties": false, "properties": {"tool": {"type": "string"}, "fingerprint": {"type": "string", "description": "accept only exactly this definition; needs `tool`"}}}}}},
        "responses": {
          "200": {"description": "The tools that were pinned", "content": {"application/json": {"schema": {"type": "object", "required": ["pinned"], "properties": {"pinned": {"type": "array", "items": {"type": "string"}}}}}}},
          "404": {"$ref": "#/components/responses/Refused"},
          "409": {"description": "The offered definition is another by now", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}},
          "default": {"$ref": "#/components/responses/Refused"}
        }
      }
    },
    "/api/v1/servers/{name}/wishes": {
      "parameters": [{"$ref": "#/components/parameters/ServerName"}],
      "post": {
        "operationId": "startWish",
        "summary": "Have a policy drafted from a sentence, over the one in force; nothing is put in force. The job is asked for its state until it runs no more",
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"type": "object", "additionalProperties": false, "required": ["wish"], "properties": {"wish": {"type": "string", "minLength": 1, "maxLength": 4000}}}}}},
        "responses": {
          "202": {"description": "The job; `Location` names it", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Wish"}}}},
          "404": {"$ref": "#/components/responses/Refused"},
          "409": {"description": "No tools of the server are pinned", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}},
          "413": {"$ref": "#/components/responses/Refused"},
          "503": {"description": "Enough are being drafted; try again", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}},
          "default": {"$ref": "#/components/responses/Refused"}
        }
      }
    },
    "/api/v1/wishes": {
      "get": {
        "operationId": "listWishes",
        "summary": "The wishes of the last hour, oldest first; at most 16",
        "responses": {
          "200": {"description": "The jobs", "content": {"application/json": {"schema": {"type": "object", "required": ["wishes"], "properties": {"wishes": {"type": "array", "items": {"$ref": "#/components/schemas/Wish"}}}}}}},
          "default": {"$ref": "#/components/responses/Refused"}
        }
      }
    },
    "/api/v1/wishes/{id}": {
      "parameters": [{"$ref": "#/components/parameters/Id"}],
      "get": {
        "operationId": "showWish",
        "summary": "The state of one job",
        "responses": {
          "200": {"$ref": "#/components/responses/Wish"},
          "404": {"$ref": "#/components/responses/Refused"},
          "default": {"$ref": "#/components/responses/Refused"}
        }
      }
    },
    "/api/v1/wishes/{id}/assets": {
      "parameters": [{"$ref": "#/components/parameters/Id"}],
      "get": {
        "operationId": "showWishAssets",
        "summary": "The draft, what was found, what it changes, and its tests",
        "responses": {
          "200": {"description": "The assets", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/WishAssets"}}}},
          "404": {"$ref": "#/components/responses/Refused"},
          "409": {"description": "The draft is not ready", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}},
          "default": {"$ref": "#/components/responses/Refused"}
        }
      }
    },
    "/api/v1/wishes/{id}/apply": {
      "parameters": [{"$ref": "#/components/parameters/Id"}],
      "post": {
        "operationId": "applyWish",
        "summary": "Write the draft in the place of the server's policy: it is in force with the answer. The policy before is kept beside it",
        "responses": {
          "200": {"$ref": "#/components/responses/Wish"},
          "404": {"$ref": "#/components/responses/Refused"},
          "409": {"description": "Nothing to apply, or the policy or the tools changed since the draft", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}},
          "default": {"$ref": "#/components/responses/Refused"}
        }
      }
    },
    "/api/v1/health": {
      "get": {
        "operationId": "health",
        "summary": "What works and what does not",
        "responses": {
          "200": {"description": "The state", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}}},
          "default": {"$ref": "#/components/responses/Refused"}
        }
      }
    },
    "/api/v1/openapi.json": {
      "get": {
        "operationId": "describe",
        "summary": "This description",
        "responses": {
          "200": {"description": "OpenAPI 3.1", "content": {"application/json": {}}},
          "default": {"$ref": "#/components/responses/Refused"}
        }
      }
    },
    "/metrics": {
      "get": {
        "operationId": "metrics",
        "summary": "Counters for Prometheus",
        "responses": {
          "200": {"description": "Exposition format 0.0.4", "content": {"text/plain": {}}},
          "default": {"$ref": "#/components/responses/Refused"}
        }
      }
    }
  },
)json"
         R"json(  "components": {
    "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
    "parameters": {
      "Id": {"name": "id", "in": "path", "required": true, "schema": {"type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"}},
      "ServerName": {"name": "name", "in": "path", "required": true, "schema": {"type": "string"}}
    },
    "requestBodies": {
      "Answer": {"required": false, "content": {"application/json": {"schema": {"type": "object", "additionalProperties": false, "properties": {"reason": {"type": "string", "maxLength": 1000}}}}}}
    },
    "responses": {
      "Wish": {"description": "The job", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Wish"}}}},
      "Approval": {"description": "The approval", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Approval"}}}},
      "Refused": {"description": "Refused, with the reason", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    },
    "schemas": {
      "State": {"enum": ["waiting", "approved", "denied", "expired", "used", "withdrawn"]},
      "Approval": {
        "type": "object",
        "required": ["id", "state", "server", "tool", "arguments", "arguments_digest", "grant", "session", "rule", "reason", "asked_at", "expires_at"],
        "properties": {
          "id": {"type": "string"},
          "state": {"$ref": "#/components/schemas/State"},
          "server": {"type": "string"},
          "tool": {"type": "string"},
          "arguments": {"description": "canonical form; exactly what will run"},
          "arguments_shown": {"type": "string", "description": "the same text with invisible characters written out; of one approval only"},
          "arguments_digest": {"type": "string"},
          "address": {"type": "string", "description": "of one approval only"},
          "definition": {"type": "string", "description": "hash of the tool's definition; of one approval only"},
          "grant": {"type": "string", "description": "empty without authentication"},
          "session": {"type": "string"},
          "rule": {"type": "string", "description": "JSON Pointer of the rule that asks"},
          "reason": {"type": "string"},
          "asked_at": {"type": "string", "format": "date-time"},
          "expires_at": {"type": "string", "format": "date-time", "description": "of the question; after a yes, of the yes"},
          "answered_at": {"type": "string", "format": "date-time"},
          "answered_by": {"type": "string"},
          "answer_reason": {"type": "string"},
          "ended_at": {"type": "string", "format": "date-time"}
        }
      },
      "Server": {
        "type": "object",
        "required": ["name", "transport", "address", "state", "policy", "source", "tools", "quarantined", "unknown", "left_out"],
        "properties": {
          "name": {"type": "string"},
          "transport": {"enum": ["stdio", "http"]},
          "address": {"type": "string"},
          "state": {"enum": ["starting", "ready", "failed"]},
          "fault": {"type": "string"},
          "policy": {"type": "string"},
          "source": {"enum": ["file", "flags", "store"]},
          "tools": {"type": "integer"},
          "quarantined": {"type": "integer"},
          "unknown": {"type": "integer"},
          "left_out": {"type": "integer", "description": "entries of its list that cannot be called, by their name or definition"}
        }
      },
      "Tool": {
        "type": "object",
        "required": ["name", "state", "era"],
        "properties": {
          "name": {"type": "string"},
          "state": {"enum": ["known", "quarantined", "unknown", "missing"]},
          "era": {"enum": ["legacy", "modern"]},
          "fingerprint": {"type": "string", "description": "of the pinned definition"},
          "offered": {"type": "string", "description": "fingerprint of what the server lists now, when that differs"},
          "category": {"enum": ["Read", "Write", "Execute", "Destructive", "Financial"], "description": "of the definition that the server lists now; absent where it lists none"},
          "risk": {"enum": ["Low", "Medium", "High", "Critical"]},
          "overridden": {"type": "boolean", "description": "an operator said so instead of the classifier"},
          "class_reason": {"type": "string", "description": "why, where one did"},
          "definition": {"type": "object"},
          "offered_definition": {"type": "object"}
        }
      },
      "LeftOut": {
        "type": "object",
        "required": ["name", "era", "reason"],
        "properties": {
          "name": {"type": "string", "description": "with what a screen does not show written as \\uXXXX; empty where it has none"},
          "era": {"enum": ["legacy", "modern"]},
          "reason": {"type": "string"}
        }
      },
      "Wish": {
        "type": "object",
        "required": ["id", "server", "wish", "state", "started_at", "expires_at", "faults"],
        "properties": {
          "id": {"type": "string"},
          "server": {"type": "string"},
          "wish": {"type": "string"},
          "state": {"enum": ["running", "drafted", "failed", "applied"]},
          "started_at": {"type": "string", "format": "date-time"},
          "expires_at": {"type": "string", "format": "date-time", "description": "then it is forgotten; one that runs is not"},
          "faults": {"type": "array", "items": {"type": "string"}, "description": "why there is nothing to apply"},
          "made_by": {"enum": ["grammar", "model"]},
          "effect": {"type": "string", "description": "what it lets pass, in one sentence"},
          "policy": {"type": "string", "description": "hash of the policy that was written; of an applied one only"}
        }
      },
      "WishAssets": {
        "allOf": [{"$ref": "#/components/schemas/Wish"}],
        "type": "object",
        "required": ["draft", "findings", "changes", "tests", "made_against"],
        "properties": {
          "draft": {"type": "string", "description": "the policy file, YAML; empty where none could be made"},
          "findings": {"type": "array", "items": {"type": "string"}, "description": "what a person should know besides"},
          "changes": {"type": "array", "items": {"type": "string"}, "description": "one line for each kind of call that would be judged otherwise, then one for each part of the policy in force that is dropped, replaced or loosened"},
          "tests": {"type": "array", "items": {"type": "object", "required": ["call", "verdict", "held"], "properties": {"call": {"type": "string"}, "verdict": {"type": "string"}, "held": {"type": "boolean"}}}},
          "made_against": {"type": "string", "description": "hash of the policy that it would replace"}
        }
      },
      "Health": {
        "type": "object",
        "required": ["status", "version", "instance", "started_at", "time", "approvals_waiting", "faults"],
        "properties": {
          "status": {"enum": ["ok", "degraded"]},
          "version": {"type": "string"},
          "instance": {"type": "string"},
          "started_at": {"type": "string", "format": "date-time"},
          "time": {"type": "string", "format": "date-time"},
          "approvals_waiting": {"type": "integer"},
          "faults": {"type": "array", "items": {"type": "string"}}
        }
      },
      "Error": {
        "type": "object",
        "required": ["error"],
        "properties": {"error": {"type": "object", "required": ["code", "message"], "properties": {"code": {"type": "string"}, "message": {"type": "string"}}}}
      }
    }
  }
}
)json";
}

}  // namespace callgate::admin
