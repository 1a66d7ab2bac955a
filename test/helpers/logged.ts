import type { Api } from './api.js';

export interface LoggedAttempt {
  request_id: string;
  attempt: number;
  status: string;
  error: string | null;
  messages: { message: string }[];
}

const PAGE = 1000;

/** Returns the newest 1,000 log records of a function that match a query, newest first. */
export async function loggedAttempts(api: Api, name: string, query = ''): Promise<LoggedAttempt[]> {
  const { json, status, text } = await api.get(`/v1/functions/${name}/logs?limit=${PAGE}${query}`);
  if (status !== 200) throw new Error(`the logs of ${name}: ${status} ${text}`);
  return json.logs;
}
