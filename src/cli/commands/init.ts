import { existsSync, readdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { functionNameSchema } from '../../contract/ids.js';
import { AppError } from '../../errors.js';
import { terminalOf } from '../session.js';
import { LANGUAGES, type Language, TRIGGERS, type TriggerTemplate, writeTemplate } from '../template.js';

/** Adds the command `orama function init <name>`. */
export function addInit(parent: Command): void {
  parent
    .command('init')
    .description('create the directory of a new function')
    .argument('<name>', '1–64 letters, digits, "-" or "_"')
    .addOption(new Option('--lang <language>', 'its language').choices(LANGUAGES).default('typescript'))
    .addOption(new Option('--template <kind>', 'what calls it').choices(TRIGGERS).default('http'))
    .action((given: string, flags: { lang: Language; template: TriggerTemplate }, command: Command) => {
      const terminal = terminalOf(command);
      const parsed = functionNameSchema.safeParse(given);
      if (!parsed.success) {
        const parent = dirname(given);
        const advice = parent === '.' ? '' : `; to make it elsewhere, change to ${parent} first`;
        command.error(`error: name ${parsed.error.issues[0]?.message}${advice}`);
      }
      const name = parsed.data;
      const directory = resolve(name);
      if (existsSync(directory) && readdirSync(directory).length > 0) {
        throw new AppError('conflict', `${directory} is there already and not empty; choose another name`);
      }
      const { lang: language, template: trigger } = flags;
      const files = writeTemplate({ language, trigger }, name, directory);
      if (terminal.json) {
        terminal.value({ name, language, directory, files });
        return;
      }
      terminal.line(`Made ${name} in ${language}: ${files.join(', ')}`);
      terminal.progress(`Next: orama function deploy ${name}`);
    });
}
