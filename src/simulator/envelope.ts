/** A request to the API. */
export interface ApiRequest {
  readonly method: string;
  /** Below the API's base, e.g. `/accounts/…/tunnels`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/** How an answer is sent; everything but `whole` is a fault. */
export type Delivery =
  | { readonly kind: 'whole' }
  /** Content-Length states the full length; the socket closes after `bytes`. */
  | { readonly kind: 'cut'; readonly bytes: number }
  /** A few bytes at a time, then spaces forever. */
  | { readonly kind: 'drip'; readonly bytes: number; readonly everyMs: number }
  /** Headers never come. */
  | { readonly kind: 'silence' }
  /** TCP reset, before the headers or after this many bytes of the body. */
  | { readonly kind: 'reset'; readonly afterBytes: number | undefined }
  /** JSON of at least this size replaces the body. */
  | { readonly kind: 'huge'; readonly bytes: number };

export interface ApiResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly delivery: Delivery;
  /** Delay before the headers. */
  readonly delayMs: number;
}

export interface ResultInfo {
  readonly page: number;
  readonly per_page: number;
  readonly count: number;
  readonly total_count: number;
  readonly total_pages?: number;
}

export interface ApiError {
  readonly code: number;
  readonly message: string;
  readonly error_chain?: readonly { readonly code: number; readonly message: string }[];
}

/** An endpoint's answer, before it is serialized. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export interface Extras {
  readonly resultInfo?: ResultInfo;
  readonly messages?: readonly unknown[];
}

export function success(result: unknown, extras: Extras = {}): Answer {
  const body = { success: true, errors: [], messages: extras.messages ?? [], result };
  return {
    status: 200,
    body: extras.resultInfo === undefined ? body : { ...body, result_info: extras.resultInfo },
  };
}

export function failure(status: number, ...errors: readonly ApiError[]): Answer {
  return { status, body: { success: false, errors, messages: [], result: null } };
}

/** Nearly constant in recorded answers: they do not reflect the five-minute budget. */
export const RATE_LIMIT_HEADERS: Readonly<Record<string, string>> = {
  Ratelimit: '"default";r=1199;t=1',
  'Ratelimit-Policy': '"default";q=1200;w=300',
};

export function respond(
  { status, body }: Answer,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse {
  return {
    status,
    headers: { 'Content-Type': 'application/json', ...RATE_LIMIT_HEADERS, ...headers },
    body: JSON.stringify(body),
    delivery: { kind: 'whole' },
    delayMs: 0,
  };
}

export const ERRORS = {
  tunnelNotFound: failure(404, { code: 1002, message: 'Tunnel not found' }),
  connectorNotFound: failure(404, { code: 1002, message: 'Connector not found' }),
  configurationNotFound: failure(404, { code: 1055, message: 'Configuration for tunnel not found' }),
  nameTaken: failure(409, { code: 1013, message: 'You already have a tunnel with this name' }),
  routeNotFound: failure(404, { code: 1002, message: 'Route not found' }),
  /** The code is the simulator's choice. */
  routeTaken: failure(409, { code: 1014, message: 'A route with this network or hostname already exists' }),
  tunnelHasRoutes: failure(400, {
    code: 1023,
    message: 'Cannot delete tunnel because it has active routes',
  }),
  noAuthorization: failure(400, {
    code: 9106,
    message: 'Missing X-Auth-Key, X-Auth-Email or Authorization headers',
  }),
  malformedToken: failure(400, {
    code: 6003,
    message: 'Invalid request headers',
    error_chain: [{ code: 6111, message: 'Invalid format for Authorization header' }],
  }),
  unauthorized: failure(403, { code: 9109, message: 'Unauthorized to access requested resource' }),
  invalidAccessToken: failure(403, { code: 9109, message: 'Invalid access token' }),
  noPermission: failure(403, { code: 10000, message: 'Authentication error' }),
  accountsOfAccountToken: failure(400, {
    code: 1001,
    message: 'List accounts endpoint does not support account owned tokens.',
  }),
  invalidApiToken: failure(401, { code: 1000, message: 'Invalid API Token' }),
  throttled: failure(429, { code: 971, message: 'Please wait and consider throttling your request speed' }),
} as const;

export function noRoute(path: string): Answer {
  return failure(
    404,
    { code: 7003, message: `Could not route to ${path}, perhaps your object identifier is invalid?` },
    { code: 7000, message: 'No route for that URI' },
  );
}

export function badMethod(method: string): Answer {
  return failure(405, { code: 7001, message: `Method ${method} not available for that URI.` });
}

/** An invalid query parameter or body. The code is the simulator's choice. */
export function badRequest(message: string): Answer {
  return failure(400, { code: 1005, message });
}

export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly answer: Answer };

/** Parses the body as a JSON object. */
export function parseBody(body: string): Parsed<Readonly<Record<string, unknown>>> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return { ok: false, answer: failure(400, { code: 6007, message: 'Malformed JSON in request body' }) };
  }
  if (!isRecord(value)) return { ok: false, answer: badRequest('Request body must be a JSON object') };
  return { ok: true, value };
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
