import type { HttpRoutes } from '../../core/functions/http-routes.js';
import type { Admission } from '../admission/admission.js';
import type { ClientAddresses } from '../admission/client-address.js';
import type { BufferLimits } from '../request/buffer-limits.js';
import type { Services } from '../services.js';
import type { Addressing } from './target.js';

/** What the handler of HTTP functions and its steps use. */
export interface FunctionsHandlerDeps {
  services: Pick<Services, 'auth' | 'catalog' | 'config' | 'depths' | 'invoker' | 'logger' | 'secrets'>;
  routes: HttpRoutes;
  admit: Admission;
  clients: ClientAddresses;
  buffers: BufferLimits;
  addressing: Addressing;
}
