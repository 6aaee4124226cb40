/** The part of pino's Logger that the web server needs. */
export interface WebLog {
  readonly warn: (details: object, message: string) => void;
  readonly error: (details: object, message: string) => void;
}
