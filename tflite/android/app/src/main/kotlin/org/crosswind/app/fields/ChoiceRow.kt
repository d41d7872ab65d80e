package org.crosswind.app.fields

import android.view.View
import android.view.ViewGroup
import android.widget.AdapterView
import android.widget.ArrayAdapter
import android.widget.Spinner
import java.text.DateFormatSymbols
import org.crosswind.app.R
import org.crosswind.app.model.Field

/** One of several values. [choices]: each text with the words that stand for it. */
class ChoiceRow private constructor(field: Field, parent: ViewGroup, choices: List<Pair<String, String>>) :
    FieldRow(field, parent, R.layout.field_choice) {

    private val spinner = input as Spinner
    private val all = listOf("" to context.getString(if (field.feature.optional) R.string.unknown else R.string.choose)) + choices

    override val text: String get() = all[spinner.selectedItemPosition].first

    init {
        spinner.prompt = field.label
        spinner.adapter = ArrayAdapter(context, R.layout.choice, all.map { it.second }).apply {
            setDropDownViewResource(R.layout.choice_item)
        }
        spinner.onItemSelectedListener = object : AdapterView.OnItemSelectedListener {
            override fun onItemSelected(parent: AdapterView<*>, view: View?, position: Int, id: Long) = changed()

            override fun onNothingSelected(parent: AdapterView<*>) = Unit
        }
    }

    /** No choice where the text is none of them. */
    override fun put(text: String) = spinner.setSelection(all.indexOfFirst { it.first == text }.coerceAtLeast(0))

    companion object {
        private const val DAYS = 7

        /** The values that training knows: "DE  Germany". */
        fun codes(field: Field, parent: ViewGroup): ChoiceRow {
            val words = field.feature.valueWords
            val choices = field.feature.values.map { code ->
                code to (words[code]?.let { parent.context.getString(R.string.code_and_name, code, it) } ?: code)
            }
            return ChoiceRow(field, parent, choices)
        }

        /** The days since Monday, in the phone's language. Java counts the days of a week from 1, Sunday. */
        fun weekdays(field: Field, parent: ViewGroup): ChoiceRow {
            val names = DateFormatSymbols.getInstance().weekdays
            return ChoiceRow(field, parent, List(DAYS) { "$it" to names[(it + 1) % DAYS + 1] })
        }
    }
}
